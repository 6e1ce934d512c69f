"""Real bags put into a real street: whether they are found while they stand there, and only then.

The largest bag of each photo of ``garbage_bags/test`` (labels in YOLO's format) is cut out as an ellipse and
set on one of PLACES in the demo's sample video from COMES_S to GOES_S. No light or shadow of the street falls
on it, and nobody carries it: what is measured is the background, not owners nor whether it knows bags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.media import pictures
from detectors.labels import labels_of
from detectors.stages import garbage
from detectors.stages.base import Stage
from lianfang.events import DetectedObject

Image = NDArray[np.uint8]
COMES_S, GOES_S, END_S = 14.0, 26.0, 30.0
# Left, top, height in pixels of 768 × 576: where nobody is within reach in that time, who would be its owner.
PLACES = ((250, 330, 40), (120, 400, 32), (330, 470, 48))
MOST = 60  # bags
SMALLEST = 60  # pixels of a bag's sides in its photo
_IN_TIME_S, _GONE_S = 2.0, 3.0  # after the times that are configured; after it was picked up
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """One picture of the street, and what the object stage finds in it without a bag."""

    at_s: float
    image: Image
    objects: tuple[DetectedObject, ...]


def street(video: Path, seeing: Stage | None) -> list[Shown]:
    """Return the first END_S of ``video``; without objects where nobody is ``seeing``."""
    camera = seeing.open("street", "e") if seeing else None
    return [
        Shown(at_s, image, camera.look(image, _START + timedelta(seconds=at_s), ()) if camera else ())
        for at_s, image in takewhile(lambda p: p[0] < END_S, pictures(video))
    ]


def bags(folder: Path, most: int = MOST) -> list[Image]:
    """Return the largest bag of each photo of ``folder`` (images, labels), as it was cut out."""
    found: list[Image] = []
    for label in sorted((folder / "labels").glob("*.txt")):
        path = folder / "images" / f"{label.stem}.jpg"
        photo, labelled = cv2.imread(str(path)), labels_of(path)
        if photo is None or not labelled:
            continue
        size = photo.shape[1::-1]
        _, *box = max(labelled, key=lambda one: one.width * one.height)
        x, y, width, height = np.multiply(box, (*size, *size))
        if min(width, height) < SMALLEST:
            continue
        top, left = max(0, int(y - height / 2)), max(0, int(x - width / 2))
        found.append(photo[top : int(y + height / 2), left : int(x + width / 2)].astype(np.uint8))
        if len(found) == most:
            break
    return found


def put(image: Image, bag: Image, place: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Set ``bag`` into ``image`` at ``place``, in place; return its box in pixels."""
    left, top, height = place
    width = min(2 * height, max(8, round(height * bag.shape[1] / bag.shape[0])))
    scaled = cv2.resize(bag, (width, height), interpolation=cv2.INTER_AREA)
    shape = np.zeros((height, width), np.uint8)
    cv2.ellipse(shape, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    share = cv2.GaussianBlur(shape, (3, 3), 0)[..., None] / 255
    window = image[top : top + height, left : left + width]
    window[:] = scaled * share + window * (1 - share)
    return left, top, left + width, top + height


class Watching(Protocol):
    """A garbage stage, ours or one to compare with."""

    @property
    def config(self) -> garbage.Config:
        """Return its settings."""
        ...

    def open(self, camera_id: str, track_epoch: str) -> garbage.CameraGarbage:
        """Return the stage for one camera."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What became of one thing: whether it was reported in time, and only then, and what it was said to be.

    ``said`` is the attribute ``bag`` as it was last, None where it was not reported or there is none.
    """

    met: bool
    said: bool | str | None


def found(shown: Sequence[Shown], few: Sequence[Image], stage: Watching) -> tuple[list[Outcome], int]:
    """Return what became of each of ``few`` things, at most one a place.

    The second is how many things were reported where there is none.
    """
    camera = stage.open("street", "e")
    times: list[list[float]] = [[] for _ in few]
    said: list[bool | str | None] = [None for _ in few]
    others: set[str | None] = set()
    for picture in shown:
        image = picture.image.copy()
        clean = image if COMES_S <= picture.at_s < GOES_S else image.copy()
        boxes = [put(clean, bag, place) for bag, place in zip(few, PLACES, strict=False)]
        size = (image.shape[1], image.shape[0])
        at = _START + timedelta(seconds=picture.at_s)
        for thing in camera.look(image, at, picture.objects)[len(picture.objects) :]:
            places = [i for i, box in enumerate(boxes) if _is_in(thing.xyxyn, size, box)]
            for i in places:
                times[i].append(picture.at_s)
                said[i] = thing.attributes.get("bag")
            others |= set() if places else {thing.track_id}
    latest = COMES_S + stage.config.still_s + _IN_TIME_S
    met = [bool(t) and COMES_S < t[0] <= latest and GOES_S - 0.5 < t[-1] <= GOES_S + _GONE_S for t in times]
    return [Outcome(*of) for of in zip(met, said, strict=True)], len(others)


def _is_in(
    xyxyn: tuple[float, float, float, float], size: tuple[int, int], box: tuple[int, int, int, int]
) -> bool:
    """Say whether the middle of ``xyxyn`` is in ``box``, in pixels of a picture of ``size``."""
    x, y = (xyxyn[0] + xyxyn[2]) / 2 * size[0], (xyxyn[1] + xyxyn[3]) / 2 * size[1]
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def outcomes(shown: Sequence[Shown], things: Sequence[Image], stage: Watching) -> list[Outcome]:
    """Return what becomes of ``things`` that are set into the street that is ``shown``, a few at a time."""
    step = len(PLACES)
    return [one for i in range(0, len(things), step) for one in found(shown, things[i : i + step], stage)[0]]
