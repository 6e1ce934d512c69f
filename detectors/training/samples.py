"""What the head classifier learns from: heads in labelled pictures, or crops that operators have sorted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.helmets.heads import CROP_PX, HEADS_PER_CROP, LOW, Head, crop
from detectors.labels import labels_of
from lianfang.errors import ModelError

WORN, BARE = 0, 1  # also the numbers of helmet_cctv's labels, seen in its pictures
PICTURES = frozenset({".jpg", ".jpeg", ".png"})

# Standard deviations of where located heads lie, and of their size, from the true ones, in heights of the
# head: those of held pictures but for the grossest errors (docs/models/helmet.md).
SPREAD_X, SPREAD_Y, SPREAD_SIZE = 0.06, 0.08, 0.12
BLUR_PX = (20, 70)  # of the crop's 96: heads of 12 px and more


@dataclass(frozen=True)
class Sample:
    """One head in its picture, BGR. Samples of one ``group`` resemble each other: never split one up."""

    picture: NDArray[np.uint8]
    head: Head
    label: int
    group: str

    def crop(self) -> NDArray[np.uint8]:
        """Return the crop as it is."""
        return crop(self.picture, self.head)


@dataclass(frozen=True)
class Labelled:
    """A picture, BGR, with its heads and the class of each; ``group`` is its run of pictures."""

    image: NDArray[np.uint8]
    heads: tuple[Head, ...]
    labels: tuple[int, ...]
    group: str


def labelled(data: Path, blocks: int) -> Iterator[Labelled]:
    """Yield the pictures of a folder with images/ and labels/ (YOLO: 0 helmet, 1 bare), in order of names.

    They are grouped into ``blocks`` runs of pictures: those that follow each other show the same riders.
    A picture without a file of labels is left out. Raises ModelError where a label is no such line.
    """
    paths = sorted(path for path in (data / "images").glob("*") if path.suffix.lower() in PICTURES)
    for number, path in enumerate(paths):
        file = data / "labels" / f"{path.stem}.txt"
        if not file.exists():
            continue
        image, group = read_picture(path), str(number * blocks // len(paths))
        height, width = image.shape[:2]
        told = labels_of(path)
        if strange := [label.kind for label in told if label.kind not in (WORN, BARE)]:
            raise ModelError(f"{file}: found class {strange[0]}; allowed: 0 (helmet) and 1 (bare)")
        heads = tuple(Head(one.x * width, one.y * height, one.height * height) for one in told)
        yield Labelled(image, heads, tuple(one.kind for one in told), group)


def of_pictures(data: Path, blocks: int) -> list[Sample]:
    """Return the heads of `labelled` pictures; ModelError where the folder holds none."""
    samples = [
        Sample(_around(picture.image, head), _inside(head), label, picture.group)
        for picture in labelled(data, blocks)
        for head, label in zip(picture.heads, picture.labels, strict=True)
    ]
    if not samples:
        raise ModelError(f"{data}: no pictures with labels: want images/*.jpg and labels/*.txt")
    return samples


def of_crops(folder: Path) -> list[Sample]:
    """Return the crops in ``folder``/worn and ``folder``/bare, as the stage cuts them.

    A file's name up to its last ``_`` is its group: the track it is from. ModelError where there is none.
    """
    samples = []
    for label, name in ((WORN, "worn"), (BARE, "bare")):
        for path in sorted((folder / name).glob("*")):
            if path.suffix.lower() in PICTURES:
                square = np.asarray(cv2.resize(read_picture(path), (CROP_PX, CROP_PX)), np.uint8)
                size = CROP_PX / HEADS_PER_CROP
                head = Head(CROP_PX / 2, CROP_PX / 2 - LOW * size, size)
                samples.append(Sample(square, head, label, path.stem.rpartition("_")[0] or path.stem))
    if not samples:
        raise ModelError(f"{folder}: no crops: want worn/*.jpg and bare/*.jpg")
    return samples


def varied(sample: Sample, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the crop of ``sample``, (96, 96, 3), as another camera or another moment could have shown it."""
    head = displaced(sample.head, random)
    square = crop(sample.picture, head, random.uniform(-12, 12), random.random() < 0.5)
    return relit(square, random, BLUR_PX)


def relit(
    square_bgr: NDArray[np.uint8], random: np.random.Generator, blurred_to: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a square in another light, with noise, and half the time as if from so few pixels a side."""
    square, px = square_bgr, len(square_bgr)
    if random.random() < 0.5:
        side = int(random.integers(*blurred_to))
        small = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
        square = np.asarray(cv2.resize(small, (px, px)), np.uint8)
    light = square.astype(np.float32)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * random.uniform(0.5, 1.4)
    light = (light - 128) * random.uniform(0.7, 1.3) + 128 + random.uniform(-30, 30)
    light += random.normal(0, random.uniform(0, 5), light.shape)
    return np.asarray(np.clip(light, 0, 255), np.uint8)


def displaced(head: Head, random: np.random.Generator) -> Head:
    """Return where the locator could have said that ``head`` is."""
    x, y, size = random.normal(0, (SPREAD_X, SPREAD_Y, SPREAD_SIZE))
    return Head(head.x + x * head.size_px, head.y + y * head.size_px, head.size_px * float(np.exp(size)))


def _around(picture: NDArray[np.uint8], head: Head) -> NDArray[np.uint8]:
    """Return what of the picture any variation of the crop can show: whole pictures would fill the memory."""
    left, top, right, bottom = _bounds(head)
    return picture[top:bottom, left:right].copy()


def _inside(head: Head) -> Head:
    left, top, _, _ = _bounds(head)
    return Head(head.x - left, head.y - top, head.size_px)


def _bounds(head: Head) -> tuple[int, int, int, int]:
    reach = head.size_px * (HEADS_PER_CROP + 1)
    left, top = max(int(head.x - reach), 0), max(int(head.y - reach), 0)
    return left, top, int(head.x + reach), int(head.y + reach)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture, (height, width, 3) BGR; ModelError where it is none."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ModelError(f"{path}: no picture")
    return np.asarray(picture, np.uint8)
