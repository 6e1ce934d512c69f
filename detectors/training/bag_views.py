"""What the bag head learns from: photos of bags and pictures without, as other cameras could show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.garbage.bags import INPUT_PX
from detectors.labels import labels_of
from detectors.training.samples import PICTURES, read_picture
from lianfang.errors import ModelError

BLOCK = 35  # photos that follow each other by name are often of one heap: they are held or seen together
HELD_OF = 7  # one block of so many is held
_SCALE = (0.55, 2.0)  # of a photo: its bags then are as large as things are in the square around them
_STRETCH = 0.12
_COARSE_PX = (70, 260)  # what a far thing has: then it is enlarged
_PART = 0.2  # smallest part of a picture without bags
_VISIBLE, _UNSURE, _SMALLEST_PX = 0.3, 0.05, 6  # of a bag that is cut off: less is neither a bag nor none
_GREY = (104, 116, 124)  # nothing, to the backbone

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Photo:
    """A picture with its bags (N, 4) in pixels, and whether it is held from the training."""

    path: Path
    bags: Boxes
    held: bool
    has_bags: bool = True


@dataclass(frozen=True)
class View:
    """A square of INPUT_PX with its bags (N, 4) and where nothing is judged (M, 4), in pixels of it."""

    square: Image
    bags: Boxes
    unsure: Boxes


def labelled(data: Path) -> list[Photo]:
    """Return the photos of a folder with images/ and labels/ (YOLO; every class is a bag), in order of names.

    Raises ModelError where the folder holds none, or a label is no such line.
    """
    photos = []
    for number, path in enumerate(_pictures(data / "images")):
        labels = data / "labels" / f"{path.stem}.txt"
        if not labels.exists():
            continue
        height, width = read_picture(path).shape[:2]
        bags = [np.multiply(bag.xyxyn, (width, height, width, height)) for bag in labels_of(path)]
        held = number // BLOCK % HELD_OF == HELD_OF // 2
        photos.append(Photo(path, np.array(bags, np.float32).reshape(-1, 4), held))
    if not photos:
        raise ModelError(f"{data}: no pictures with labels: want images/*.jpg and labels/*.txt")
    return photos


def without_bags(folder: Path) -> list[Photo]:
    """Return the pictures of ``folder``, in which there are no bags; ModelError where there are none."""
    none = np.zeros((0, 4), np.float32)
    found = [Photo(path, none, i // 20 % 5 == 2, has_bags=False) for i, path in enumerate(_pictures(folder))]
    if not found:
        raise ModelError(f"{folder}: no pictures")
    return found


def plain(photo: Photo) -> View:
    """Return the whole photo, as it is."""
    image = read_picture(photo.path)
    scale = INPUT_PX / max(image.shape[:2])
    height, width = (round(side * scale) for side in image.shape[:2])
    middle = INPUT_PX / 2 / scale
    return _warped(image, photo.bags, scale, (middle, middle), 1.0, (width, height))


def varied(photo: Photo, random: np.random.Generator, *, coarse: bool) -> View:
    """Return a part of the photo, or the photo among nothing, in another light; ``coarse``: from afar."""
    image = read_picture(photo.path)
    longer = max(image.shape[:2])
    scale = INPUT_PX / longer * float(np.exp(random.uniform(*np.log(_SCALE))))
    turned = random.random() < 0.5
    half = INPUT_PX / 2 / scale
    x, y = (float(random.uniform(*sorted((half, side - half)))) for side in image.shape[1::-1])
    view = _warped(image, photo.bags, scale, (x, y), float(np.exp(random.uniform(-_STRETCH, _STRETCH))))
    view = mirrored(view) if turned else view
    return View(lit(view.square, random, coarse=coarse), view.bags, view.unsure)


def part(photo: Photo, random: np.random.Generator) -> View:
    """Return a square part of a picture without bags, in another light."""
    image = read_picture(photo.path)
    height, width = image.shape[:2]
    side = max(1, int(min(height, width) * np.exp(random.uniform(np.log(_PART), 0))))
    top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    square = cv2.resize(
        image[top : top + side, left : left + side], (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA
    )
    view = View(np.asarray(square, np.uint8), photo.bags, photo.bags)
    view = mirrored(view) if random.random() < 0.5 else view
    return View(lit(view.square, random, coarse=False), view.bags, view.unsure)


def lit(square: Image, random: np.random.Generator, *, coarse: bool) -> Image:
    """Return ``square`` with other colours, light, noise and compression; ``coarse``: with few pixels."""
    if coarse:
        side = int(random.uniform(*_COARSE_PX))
        small = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
        square = np.asarray(cv2.resize(small, (INPUT_PX, INPUT_PX)), np.uint8)
    light = square.astype(np.float32)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * random.uniform(0.4, 1.4)
    light = (light - light.mean()) * random.uniform(0.65, 1.3) + light.mean() * random.uniform(0.55, 1.3)
    light = light * (1 + random.normal(0, 0.05, 3))
    light += random.normal(0, random.uniform(0, 6), light.shape)
    out = np.asarray(np.clip(light, 0, 255), np.uint8)
    if random.random() < 0.5:
        _, jpeg = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(30, 90))])
        out = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return out


def _warped(
    image: Image,
    bags: Boxes,
    scale: float,
    middle: tuple[float, float],
    stretch: float,
    visible: tuple[int, int] = (INPUT_PX, INPUT_PX),
) -> View:
    """Return the square around ``middle`` of ``image``; only ``visible`` (width, height) of it is wanted."""
    if scale < 0.8:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5 / scale), np.uint8)
    wide = scale * stretch
    matrix = np.array(
        [
            [wide, 0, INPUT_PX / 2 - middle[0] * wide],
            [0, scale, INPUT_PX / 2 - middle[1] * scale],
        ],
        np.float32,
    )
    square = cv2.warpAffine(image, matrix, (INPUT_PX, INPUT_PX), borderValue=_GREY)
    moved = bags * np.array([wide, scale, wide, scale], np.float32) + np.tile(matrix[:, 2], 2)
    shown = np.clip(moved, 0, (*visible, *visible)).astype(np.float32)
    share = _area(shown) / np.maximum(_area(moved), 1e-6)
    kept = (share > _VISIBLE) & ((shown[:, 2:] - shown[:, :2]).min(axis=1, initial=INPUT_PX) > _SMALLEST_PX)
    return View(np.asarray(square, np.uint8), shown[kept], shown[(share > _UNSURE) & ~kept])


def mirrored(view: View) -> View:
    """Return ``view`` with left and right exchanged."""
    bags, unsure = (
        np.stack([INPUT_PX - b[:, 2], b[:, 1], INPUT_PX - b[:, 0], b[:, 3]], axis=1)
        for b in (view.bags, view.unsure)
    )
    return View(np.ascontiguousarray(view.square[:, ::-1]), bags, unsure)


def _area(boxes: Boxes) -> NDArray[np.float32]:
    area: NDArray[np.float32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
