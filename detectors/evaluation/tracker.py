"""What the tracker costs: milliseconds of a core a picture, for 30 objects that walk about; no model.

Processor time of the one thread, and the quietest of several rounds: what shares the core is not the
tracker's, and doubles the time where a core is two threads of the hardware.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import numpy as np

from detectors.engines.base import Detections
from detectors.evaluation.base import Figure, Report
from detectors.tracking import Tracker

OBJECTS = 30
FPS = 5.0  # of a camera, where nothing else is configured
ROUNDS = 6
FRAMES = 300  # of a round, after
WARM_UP = 20
HEIGHT = 0.15  # of the picture
MISSED = 0.1  # share of detections that a model leaves out
_SEED = 4


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return ``tracker.ms_per_frame``, the median and its 95 % interval; it needs no data and no model."""
    del data, models_dir
    rounds = sorted((timed() for _ in range(ROUNDS)), key=lambda one: float(np.median(one)))
    worst = float(np.percentile(rounds[0], 99))
    others = ", ".join(f"{np.median(one):.2f}" for one in rounds)
    notes = (
        f"{OBJECTS} objects, {FRAMES} pictures at {FPS:g} a second; 99 % took {worst:.2f} ms or less",
        f"medians of the {ROUNDS} rounds: {others} ms",
    )
    return Report({"tracker.ms_per_frame": median(rounds[0])}, notes)


def timed() -> list[float]:
    """Return the milliseconds of processor time that each picture took, warm."""
    tracker = Tracker(labels=("person",))
    spent_ms = []
    for i, detections in enumerate(walkers(FRAMES + WARM_UP)):
        began = time.thread_time()
        tracker.update(detections, i / FPS)
        spent_ms.append((time.thread_time() - began) * 1000)
    return spent_ms[WARM_UP:]


def walkers(frames: int) -> Iterator[Detections]:
    """Yield what a model would see of `OBJECTS` people: jitter, gaps and weak boxes; always the same."""
    random = np.random.default_rng(_SEED)
    centre = random.uniform(0.1, 0.9, (OBJECTS, 2))
    velocity = random.normal(0, 0.06, (OBJECTS, 2))  # of the picture a second
    half = np.array([0.2, 0.5]) * HEIGHT
    for _ in range(frames):
        centre += velocity / FPS
        velocity = np.where(
            (centre < 0.1) & (velocity < 0) | (centre > 0.9) & (velocity > 0), -velocity, velocity
        )
        seen = centre + random.normal(0, 0.004, centre.shape)
        confidence = random.uniform(0.25, 0.95, OBJECTS).astype(np.float32)
        kept = np.argsort(-confidence)[: round(OBJECTS * (1 - MISSED * random.uniform(0, 2)))]
        xyxyn = np.concatenate([seen - half, seen + half], axis=1).astype(np.float32)[kept]
        yield Detections(xyxyn, confidence[kept], np.zeros(len(kept), np.int64))


def median(values: list[float]) -> Figure:
    """Return the median of many ``values`` with its 95 % interval from order statistics."""
    ordered = sorted(values)
    count = len(ordered)
    reach = 1.96 * sqrt(count) / 2
    low, high = ordered[max(0, int(count / 2 - reach))], ordered[min(count - 1, int(count / 2 + reach))]
    return Figure(float(np.median(ordered)), count, (low, high))
