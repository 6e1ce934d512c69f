"""False alarms by the confidence asked for, on clips and pictures in which nothing of a class is to be seen.

An alarm is what a rule with its default of three frames makes of a track: the objects stage at work, at the
frame rate of a camera. Pictures are those of ``general/`` in which nobody marked any of the class. Clips
without a class are named in ``clips/without.jsonl``, {"file", "labels"} a line; those public ones that were
looked at are known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log
from pathlib import Path

import cv2
import numpy as np

from detectors.calibration import of_model
from detectors.engines import onnx
from detectors.engines.base import Detections, Engine
from detectors.evaluation import media, objects
from detectors.evaluation.base import Figure, Report, proportion
from detectors.tracking import Tracker

FRAMES = 3  # in a row, as rules ask by default
DEFAULT = 0.4  # of rules
CONFIDENCES = tuple(round(0.2 + 0.05 * i, 2) for i in range(15))
TARGET_A_DAY = 1.0
DAY_S = 86400.0
PEOPLE = ("person",)
VEHICLES = ("car", "bus", "truck")
GROUPS = {"person": PEOPLE, "vehicle": VEHICLES}
# Looked through from end to end: a road from above, a highway from above; a room, and a pool under water.
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "car-detection.mp4": PEOPLE,
    "video.avi": PEOPLE,
    "one-by-one-person-detection.mp4": VEHICLES,
    "pool_both2.mp4": VEHICLES,
    "pool_drowning.mp4": VEHICLES,
    "pool_notdrowning.mp4": VEHICLES,
}


@dataclass(frozen=True)
class Seen:
    """What was seen of a class where there is none.

    The confidence of each alarm in ``watched_s`` seconds of clips; that of the strongest box of each picture,
    0 without a box.
    """

    alarms: Sequence[float]
    watched_s: float
    pictures: Sequence[float]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return false alarms and the confidence that avoids them, by group; None without clips or pictures."""
    without = negatives(data)
    clips = [clip for clip in media.clips_of(data) if without.get(clip.name)]
    pictures, _ = objects.read(data / "general")
    if not clips and not pictures:
        return None
    engine = onnx.build(onnx.Config(), models_dir)
    figures: dict[str, Figure] = {}
    notes = [f"an alarm: {FRAMES} frames in a row of a track, at {media.FPS:g} fps"]
    for group, labels in GROUPS.items():
        strengths: list[float] = []
        watched_s = 0.0
        for clip in clips:
            if set(labels) <= set(without[clip.name]):
                found, seconds = alarms(_looked(clip, engine, labels), engine.labels)
                strengths += found
                watched_s += seconds
        empty = [p for p in pictures if not any(len(p.truth[n]) + len(p.crowds[n]) for n in labels)]
        seen = Seen(strengths, watched_s, _strongest(empty, engine, labels))
        figures |= of_group(group, seen)
        notes.append(_told(group, seen))
    return Report(figures, tuple(notes))


def negatives(data: Path) -> dict[str, tuple[str, ...]]:
    """Return by clip what is not in it; ValueError where ``clips/without.jsonl`` says it otherwise."""
    file = data / "clips" / "without.jsonl"
    found = dict(WITHOUT)
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            found[str(row["file"])] = tuple(str(label) for label in row["labels"])
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f'{file}:{number}: want {{"file", "labels"}}: {error!r}') from error
    return found


def alarms(pictures: Iterator[tuple[float, Detections]], labels: Sequence[str]) -> tuple[list[float], float]:
    """Return the highest confidence at which each track would raise an alarm, and the seconds watched."""
    tracker = Tracker(labels=labels)
    runs: dict[int, list[float]] = {}
    strongest: dict[int, float] = {}
    first_s = last_s = 0.0
    for count, (at_s, found) in enumerate(pictures):
        first_s, last_s = (at_s if count == 0 else first_s), at_s
        named = {t.n: t.confidence for t in tracker.update(found, at_s) if t.n is not None}
        # Three frames in a row: an alarm at any confidence that the weakest of them has.
        runs = {n: [*runs.get(n, []), confidence][-FRAMES:] for n, confidence in named.items()}
        for n, run in runs.items():
            if len(run) == FRAMES:
                strongest[n] = max(strongest.get(n, 0.0), min(run))
    return list(strongest.values()), last_s - first_s + 1 / media.FPS


def of_group(group: str, seen: Seen) -> dict[str, Figure]:
    """Return what is false at the confidence that rules have by default, and the least that avoids it.

    That is the one at which the alarms seen keep `TARGET_A_DAY`, and no picture shows what is not there: in
    a view that does, it is there all the time. The figures of clips and of pictures are left out without any.
    """
    days = seen.watched_s / DAY_S
    kept = [
        c for c in CONFIDENCES if _over(seen.alarms, c) <= TARGET_A_DAY * days and not _over(seen.pictures, c)
    ]
    chosen = {"": DEFAULT} | ({"_there": kept[0]} if kept else {})
    figures = {f"thresholds.{group}_confidence": Figure(kept[0], len(seen.pictures))} if kept else {}
    for name, confidence in chosen.items():
        if days:
            count = _over(seen.alarms, confidence)
            low, high = poisson_interval(count)
            figures[f"thresholds.{group}_alarms_per_day{name}"] = Figure(
                count / days, count, (low / days, high / days)
            )
        if seen.pictures:
            figures[f"thresholds.{group}_false_views{name}"] = proportion(
                _over(seen.pictures, confidence), len(seen.pictures)
            )
    return figures


def poisson_interval(count: int, within: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a mean of which ``count`` were seen (Garwood 1936).

    None seen: one-sided, so that its upper end is the well-known 3.0.
    """
    tail = (1 - within) / 2
    if not count:
        return 0.0, -log(1 - within)
    return _mean(count - 1, 1 - tail), _mean(count, tail)


def _mean(count: int, probability: float) -> float:
    """Return the mean at which ``count`` or fewer have the ``probability``, by halving."""
    low, high = 0.0, 10.0 * (count + 2)
    for _ in range(100):
        middle = (low + high) / 2
        below = sum(exp(i * log(middle) - middle - lgamma(i + 1)) for i in range(count + 1))
        low, high = (middle, high) if below > probability else (low, middle)
    return middle


def _over(confidences: Sequence[float], least: float) -> int:
    return sum(one >= least for one in confidences)


def _told(group: str, seen: Seen) -> str:
    curve = of_model(onnx.Config().model).curve(GROUPS[group][0])
    counts = ", ".join(
        f"{c:g} ({worth:.2f}): {_over(seen.alarms, c)} and {_over(seen.pictures, c)}"
        for c, worth in zip(CONFIDENCES[:9], curve.probability(np.array(CONFIDENCES[:9])), strict=True)
    )
    return (
        f"{group}: {seen.watched_s:.0f} s and {len(seen.pictures)} pictures without any; alarms and pictures "
        f"with false boxes by score (calibrated): {counts}"
    )


def _strongest(pictures: Sequence[objects.Picture], engine: Engine, labels: Sequence[str]) -> list[float]:
    """Return the highest confidence of any of ``labels`` in each picture, 0 without a box."""
    wanted = np.array([label in labels for label in engine.labels])
    result = []
    for one in pictures:
        image = cv2.imread(str(one.path), cv2.IMREAD_COLOR)
        if image is not None:
            found = engine.detect(np.asarray(image, np.uint8))
            result.append(float(max(found.confidence[wanted[found.class_id]], default=0.0)))
    return result


def _looked(clip: Path, engine: Engine, labels: Sequence[str]) -> Iterator[tuple[float, Detections]]:
    wanted = np.array([label in labels for label in engine.labels])
    for at_s, picture in media.pictures(clip):
        found = engine.detect(picture)
        keep = wanted[found.class_id]
        yield at_s, Detections(found.xyxyn[keep], found.confidence[keep], found.class_id[keep])
