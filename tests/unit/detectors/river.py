"""A river in tests: a camera on the near bank, and people played as boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from detectors.stages.river import CameraRiver, Config, build
from lianfang.config import Camera
from lianfang.events import DetectedObject

START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
PICTURE = np.zeros((90, 160, 3), np.uint8)
WATER_TOP, WATER_END = 0.3, 0.7
BANK = {"kind": "bank", "polygon": [[0, WATER_END], [1, WATER_END], [1, 1], [0, 1]]}
WATER = {
    "kind": "water",
    "polygon": [[0, WATER_TOP], [1, WATER_TOP], [1, WATER_END], [0, WATER_END]],
}
# A grown-up is half as high as the foot is below y = .1: .2 at .5, .4 at .9.
HEIGHTS = [{"foot": [0.5, 0.9], "head_y": 0.5}, {"foot": [0.5, 0.3], "head_y": 0.2}]
Scene = Callable[[float], Iterable[DetectedObject]]


def adult(foot_y: float) -> float:
    return 0.5 * (foot_y - 0.1)


def opened(
    zones: dict[str, object] | None = None, *, calibrated: bool = True, epoch: str = "e", **settings: object
) -> CameraRiver:
    camera = Camera.model_validate(
        {
            "name": "c",
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1/a"},
            "zones": {"river": WATER, "path": BANK} if zones is None else zones,
            "reference_heights": HEIGHTS if calibrated else [],
        }
    )
    stage = build(Config.model_validate({"kind": "river", **settings}), None)
    return stage.open_at(camera, "cam", epoch)


def person(
    x: float,
    foot_y: float,
    size: float = 1.0,
    *,
    track: str | None = "e:1",
    square: float = 0.4,
    label: str = "person",
    confidence: float = 0.6,
) -> DetectedObject:
    """Return somebody of ``size`` grown-ups' heights at that place, as wide as ``square`` of the height."""
    height = size * adult(foot_y)
    half = height * square / 2 * 9 / 16
    box = (max(0.0, x - half), max(0.0, foot_y - height), min(1.0, x + half), foot_y)
    return DetectedObject(track_id=track, label=label, confidence=confidence, xyxyn=box)


def play(
    camera: CameraRiver, scene: Scene, to_s: float, from_s: float = 0.0, fps: float = 5.0
) -> dict[float, tuple[DetectedObject, ...]]:
    """Return what is said at each time of the scene, both ends included."""
    count = round((to_s - from_s) * fps)
    times = [round(from_s + i / fps, 6) for i in range(count + 1)]
    return {t: camera.look(PICTURE, START + timedelta(seconds=t), tuple(scene(t))) for t in times}


def always(*objects: DetectedObject) -> Scene:
    return lambda _t: objects
