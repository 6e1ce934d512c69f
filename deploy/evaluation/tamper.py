"""Tampering over clips: alarms without a cause, and how many of covered, turned and frozen views are noticed.

Every clip of ``clips/`` is played as it is: every alarm is false. Its first seconds are played again with
each of TRICKS from TRICK_S to BACK_S: one that is reported as what it is, and ends with it, is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice, takewhile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.media import clips_of, pictures
from ingest.health.watch import EVERY_S, ViewWatch
from lianfang.config.health import Health
from lianfang.events import CameraFault

Image = NDArray[np.uint8]
TRICK_S, BACK_S, END_S = 14.0, 29.0, 34.0


def _shifted(image: Image, right: float, down: float, turned_deg: float) -> Image:
    """Return the view of a camera that was moved: shares of the picture, degrees; the border is mirrored."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turned_deg, 1)
    matrix[:, 2] += (right * width, down * height)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def _behind(image: Image, first_level: float, last_level: float) -> Image:
    """Return what the sensor shows behind something close: light from one side, and noise of its own."""
    light = np.linspace(first_level, last_level, image.shape[1])[None, :, None]
    # Seeded by the picture: the same noise twice would be a frozen camera.
    noise = np.random.default_rng(int(image.sum())).normal(0, 4, image.shape)
    return np.clip(light + noise, 0, 255).astype(np.uint8)


TRICKS: Mapping[str, tuple[CameraFault, Callable[[Image], Image]]] = {
    "dark cloth": (CameraFault.COVERED, lambda image: _behind(image, 20, 20)),
    "hand": (CameraFault.COVERED, lambda image: _behind(image, 10, 60)),
    "paper": (CameraFault.COVERED, lambda image: _behind(image, 220, 220)),
    "panned by a fifth": (CameraFault.TURNED, lambda image: _shifted(image, 0.2, 0, 0)),
    "tilted by a sixth": (CameraFault.TURNED, lambda image: _shifted(image, 0, 0.17, 0)),
    "rolled by 15 degrees": (CameraFault.TURNED, lambda image: _shifted(image, 0, 0, 15)),
    "to the other side": (CameraFault.TURNED, lambda image: np.ascontiguousarray(image[:, ::-1])),
    "frozen": (CameraFault.FROZEN, lambda image: image),
}


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return ``tamper.false_alarms`` and ``tamper.noticed``; None where ``data`` has no clips."""
    del models_dir
    clips = clips_of(data)
    if not clips:
        return None
    false = {clip.name: alarms(pictures(clip)) for clip in clips}
    notes = [f"false: {name}: {', '.join(sorted(labels))}" for name, labels in false.items() if labels]
    missed: list[str] = []
    count = 0
    for clip in clips:
        # Every second picture: many of a large size would fill the memory.
        start = list(islice(takewhile(lambda p: p[0] < END_S, pictures(clip)), 0, None, 2))
        if start[-1][0] < BACK_S:
            notes.append(f"{clip.name} is too short for tricks")
            continue
        count += len(TRICKS)
        missed += [f"missed: {clip.name}: {name}" for name in TRICKS if not notices(start, name)]
    figures = {"tamper.false_alarms": Figure(float(sum(len(a) for a in false.values())), len(clips))}
    if count:
        figures["tamper.noticed"] = proportion(count - len(missed), count)
    return Report(figures, (*notes, *missed))


def alarms(shown: Iterable[tuple[float, Image]]) -> set[str]:
    """Return the faults that are reported over ``shown``, (seconds, picture) in order."""
    watch = _watch()
    found: set[str] = set()
    for at_s, picture in shown:
        watch.look(_luma(picture), at_s)
        found |= watch.faults
    return found


def notices(shown: Iterable[tuple[float, Image]], name: str) -> bool:
    """Say whether the trick ``name`` is reported, as what it is, no longer than it lasts."""
    kind, change = TRICKS[name]
    watch = _watch()
    reported: dict[str, list[float]] = {}
    stopped: Image | None = None
    for at_s, clean in shown:
        picture = clean
        if TRICK_S <= at_s < BACK_S:
            stopped = clean if stopped is None else stopped
            picture = change(stopped if kind is CameraFault.FROZEN else clean)
        watch.look(_luma(picture), at_s)
        for fault in watch.faults:
            reported.setdefault(fault, []).append(at_s)
    times = reported.pop(kind, [])
    return bool(times) and not reported and times[0] >= TRICK_S and times[-1] < BACK_S + 2 * EVERY_S


def _watch() -> ViewWatch:
    """Return a watch as by default, but for that a trick is shorter than a frozen picture has to be."""
    return ViewWatch(Health(frozen_s=10))


def _luma(picture: Image) -> Image:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8)
