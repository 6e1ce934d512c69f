"""Trackers to measure: ours, and those of the package ``trackers`` where it is installed, as a reference.

The package is Apache-2.0 and brings scipy, matplotlib and more: the extra ``eval``, never used by a service.
It is given what ours has: the same boxes, times, thresholds and memory.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from detectors.engines.base import Detections
from detectors.evaluation.identities import Follow
from detectors.tracking import Config, Tracker

REFERENCE = "trackers"
SIDE_PX = 1000.0  # its boxes are in pixels: its noise has a floor in them


def ours() -> Follow:
    """Return our tracker with its default settings, knowing nothing yet."""
    tracker = Tracker()

    def follow(found: Detections, at_s: float) -> dict[int, int]:
        index = {tuple(box): i for i, box in enumerate(found.xyxyn.tolist())}
        tracks = tracker.update(found, at_s)
        return {index[track.xyxyn]: track.n for track in tracks if track.n is not None}

    return follow


def is_installed() -> bool:
    """Say whether the reference is there."""
    return find_spec(REFERENCE) is not None


def reference(name: str, fps: float) -> Follow:
    """Return a tracker of the package, ByteTrackTracker or another ``name``, for about ``fps`` a second.

    ImportError where the package is not installed.
    """
    config = Config()
    supervision: Any = import_module("supervision")
    tracker: Any = getattr(import_module(REFERENCE), name)(
        frame_rate=fps,
        lost_track_buffer=round(config.lost_s * 30),  # in frames of 30 a second, whatever frame_rate is
        high_conf_det_threshold=config.high_confidence,
        track_activation_threshold=config.new_confidence,
        minimum_consecutive_frames=config.confirm_hits,
    )

    def follow(found: Detections, at_s: float) -> dict[int, int]:
        given = supervision.Detections(
            xyxy=found.xyxyn * SIDE_PX,
            confidence=found.confidence,
            class_id=found.class_id,
            data={"index": np.arange(len(found))},
        )
        tracked = tracker.update(given, timestamp=at_s)
        if not len(tracked):
            return {}
        numbers = zip(tracked.data["index"].tolist(), tracked.tracker_id.tolist(), strict=True)
        return {index: number for index, number in numbers if number >= 0}

    return follow
