"""A drawn scene, and what the stage says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.stages.garbage import LABEL, CameraGarbage, Config, build
from lianfang.events import DetectedObject

Image = NDArray[np.uint8]
Objects = tuple[DetectedObject, ...]
START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HEIGHT, WIDTH = 120, 160
BAG = (70, 60, 84, 78)  # pixels: x_min, y_min, x_max, y_max
FPS = 5.0
COMES_S, FOUND_S = 15.0, 20.0  # default: five seconds still, three of them without the owner
PASSER_BY = (0.0, 0.3, 0.1, 0.8)


def _grounds() -> list[Image]:
    """Return a scene with structure, each time with a little noise of its own."""
    columns, rows = np.arange(WIDTH)[None, :, None], np.arange(HEIGHT)[:, None, None]
    noise = np.random.default_rng(0).integers(-3, 4, (7, HEIGHT, WIDTH, 3))
    return list(np.asarray(110 + 25 * (columns // 20 % 2) + rows // 4 + noise, np.uint8))


GROUNDS = _grounds()


def ground(t: float = 0) -> Image:
    """Return the scene as it is at ``t``."""
    return GROUNDS[round(t * 100) % len(GROUNDS)].copy()


def with_thing(image: Image, box: Sequence[int] = BAG, colour: Sequence[int] = (40, 40, 45)) -> Image:
    x_min, y_min, x_max, y_max = box
    image[y_min:y_max, x_min:x_max] = colour
    image[y_min + 3 : y_min + 5, x_min + 2 : x_max - 2] = np.add(colour, 30)
    return image


def person(
    box: tuple[float, float, float, float], n: int | None = 1, confidence: float = 0.8
) -> DetectedObject:
    return DetectedObject(
        track_id=None if n is None else f"e:{n}", label="person", confidence=confidence, xyxyn=box
    )


def camera(**settings: object) -> CameraGarbage:
    return build(Config.model_validate({"kind": "garbage", "confirm": "none", **settings}), None).open(
        "cam", "e"
    )


def times(until_s: float, fps: float = FPS, since_s: float = 0) -> Iterable[float]:
    return (round(i / fps, 4) for i in range(round(since_s * fps), round(until_s * fps) + 1))


def play(
    stage: CameraGarbage,
    at: Iterable[float],
    scene: Callable[[float], Image],
    people: Callable[[float], Objects] = lambda _t: (),
) -> dict[float, Objects]:
    """Return per second of the script what is left in the picture then."""
    found: dict[float, Objects] = {}
    for t in at:
        objects = stage.look(scene(t), START + timedelta(seconds=t), people(t))
        found[t] = tuple(o for o in objects if o.label == LABEL)
    return found


def first(found: dict[float, Objects]) -> float | None:
    return next((t for t, objects in found.items() if objects), None)


def bag_comes(
    at_s: float = COMES_S, goes_s: float = 1e9, colour: Sequence[int] = (40, 40, 45)
) -> Callable[[float], Image]:
    def scene(t: float) -> Image:
        image = ground(t)
        return with_thing(image, colour=colour) if at_s <= t < goes_s else image

    return scene
