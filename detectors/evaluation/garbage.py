"""Left objects over clips: how many events are false, before any rule.

``clips/*.avi`` and ``*.mp4`` are played at FPS through the object stage and the garbage stage, each as a
camera of its own, and with them the sample video of the demo where it is in the user's cache. What a clip
shows stands in ``clips/events.jsonl`` (``{"file", "rule", "start_s", "end_s"}``, the rule ``left_object`` or
``garbage``): every other event is false. Whether the expected ones come is measured through the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from detectors.evaluation.bags import measure
from detectors.evaluation.base import Figure, Report
from detectors.evaluation.expected import Expected, events_file, expected
from detectors.evaluation.media import clips_of, pictures, sample
from detectors.stages import garbage, objects
from detectors.stages.base import Stage
from lianfang.events import DetectedObject

RULES = frozenset({garbage.LABEL, "garbage"})
_LABELS = ("person", "bicycle", "motorcycle", "car", "bus", "truck", "boat")
_LATE_S = 30.0  # an event may be reported so long after the thing was left: its owner must be gone first
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """One thing reported in a clip, from ``first_s`` on."""

    file: str
    first_s: float
    xyxyn: tuple[float, float, float, float]


@dataclass(frozen=True)
class Played:
    """A clip that was looked at: how long it is, for how long the ground was learned, what was reported."""

    file: str
    seconds: float
    warming_s: float
    events: tuple[Event, ...]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return ``garbage.false_events`` over the clips of ``data``, and `bags`; None where it has no clips.

    ModelError where the object model is missing; ConfigError where a line of events.jsonl is none.
    """
    clips = clips_of(data)
    if not clips:
        return None
    stages = _stages(models_dir)
    played = [play(clip, stages) for clip in clips]
    events = [event for clip in played for event in clip.events]
    result = report(played, events, expected(events_file(data)))
    if not sample().is_file():
        return result
    return replace(
        result, figures={**result.figures, **measure(sample(), data / "garbage_bags" / "test", stages[0])}
    )


def report(played: Iterable[Played], events: Iterable[Event], wanted: Iterable[Expected]) -> Report:
    """Return the figures of clips that were ``played``, given what was reported and what was ``wanted``."""
    played, events, wanted = list(played), list(events), list(wanted)
    false = [e for e in events if not is_expected(e, wanted)]
    watched_s = sum(p.seconds - p.warming_s for p in played)  # no false event in no time proves nothing
    figures = {
        "garbage.false_events": Figure(float(len(false)), len(played)),
        "garbage.watched_s": Figure(round(watched_s, 1), len(played)),
    }
    notes = [
        f"{p.file}: {p.seconds:.0f} s, of which the ground was learned for {p.warming_s:.0f} s"
        for p in played
    ]
    notes += [f"false: {e.file} at {e.first_s:.1f} s, {np.round(e.xyxyn, 3).tolist()}" for e in false]
    return Report(figures, tuple(notes))


def is_expected(event: Event, wanted: Iterable[Expected]) -> bool:
    """Say whether ``event`` can be one of ``wanted``."""
    return any(
        w.rule in RULES and w.file == event.file and w.start_s <= event.first_s <= w.end_s + _LATE_S
        for w in wanted
    )


def play(clip: Path, stages: Iterable[Stage]) -> Played:
    """Return what the ``stages``, of which one is the garbage stage, report over the whole ``clip``."""
    cameras = [stage.open(clip.stem, "e") for stage in stages]
    (watching,) = (c for c in cameras if isinstance(c, garbage.CameraGarbage))
    events: dict[str | None, Event] = {}
    last_s = warming_s = 0.0
    for at_s, picture in pictures(clip):
        found: tuple[DetectedObject, ...] = ()
        for camera in cameras:
            found = camera.look(picture, _START + timedelta(seconds=at_s), found)
        for thing in (o for o in found if o.label == garbage.LABEL):
            events.setdefault(thing.track_id, Event(clip.name, at_s, thing.xyxyn))
        warming_s += at_s - last_s if watching.warming is not None else 0.0
        last_s = at_s
    return Played(clip.name, last_s, warming_s, tuple(events.values()))


def _stages(models_dir: Path | None) -> list[Stage]:
    seeing = objects.Config.model_validate(
        {"kind": "objects", "engine": {"kind": "onnx"}, "labels": list(_LABELS)}
    )
    watching = garbage.Config(kind="garbage")
    return [objects.build(seeing, models_dir), garbage.build(watching, models_dir)]
