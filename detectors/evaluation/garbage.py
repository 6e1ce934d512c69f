"""Left objects over clips: how many events are false, before any rule.

``clips/*.avi`` and ``*.mp4`` are played at FPS through the object stage and the garbage stage, each as a
camera of its own, and with them the sample video of the demo where it is in the user's cache. What a clip
shows stands in ``clips/events.jsonl`` (``{"file", "rule", "start_s", "end_s"}``, the rule ``left_object`` or
``garbage``): every other event is false. Whether the expected ones come is measured through the rules.

The same is measured with OpenCV's MOG2 in the place of our background, as ``garbage.mog2_…``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import thread_time

import numpy as np

from detectors.evaluation.bag_head import measure_head, things
from detectors.evaluation.bags import Outcome, Watching, bags, outcomes, street
from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.expected import Expected, events_file, expected
from detectors.evaluation.media import clips_of, pictures, sample
from detectors.evaluation.mog2 import Mog2Stage
from detectors.stages import garbage, objects
from detectors.stages.base import Stage
from lianfang.events import DetectedObject

RULES = frozenset({garbage.LABEL, "garbage"})
_SEEING = objects.Config.model_validate(
    {
        "kind": "objects",
        "engine": {"kind": "onnx"},
        "labels": ["person", "bicycle", "motorcycle", "car", "bus", "truck", "boat"],
    }
)
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
    """A clip that was looked at: how long it is, for how long the ground was learned, what was reported.

    ``ms`` is the processor time of the stage for each picture.
    """

    file: str
    seconds: float
    warming_s: float
    events: tuple[Event, ...]
    ms: tuple[float, ...] = ()


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures of the clips and of the photos of bags in ``data``; None where it has neither.

    ModelError where a model is missing; ConfigError where a line of events.jsonl is none.
    """
    clips, taken = clips_of(data), bags(data / "garbage_bags" / "test")
    if not clips and not taken:
        return None
    config = garbage.Config(kind="garbage")
    ours, mog2 = garbage.build(config, models_dir), Mog2Stage(config)
    seeing = objects.build(_SEEING, models_dir)
    result = Report({})
    if clips:
        played = [play(clip, seeing, (ours, mog2)) for clip in clips]
        wanted = expected(events_file(data))
        result = report([p[0] for p in played], wanted)
        result = replace(
            result, figures={**result.figures, **of_mog2(report([p[1] for p in played], wanted))}
        )
    figures = {} if ours.finder is None else measure_head(data, ours.finder)
    if taken and sample().is_file():
        shown = street(sample(), seeing)
        figures |= of_things(outcomes(shown, taken, ours), outcomes(shown, things(data / "general"), ours))
        met = [one.met for one in outcomes(shown, taken, mog2)]
        figures["garbage.mog2_bags_found"] = proportion(sum(met), len(met))
    return replace(result, figures={**result.figures, **figures})


def of_mog2(result: Report) -> dict[str, Figure]:
    """Return the figures of ``result`` under names that say that MOG2 kept the background."""
    return {name.replace(".", ".mog2_"): figure for name, figure in result.figures.items()}


def of_things(bags: Sequence[Outcome], others: Sequence[Outcome]) -> dict[str, Figure]:
    """Return how many ``bags`` were found, and of what was reported, which share was said to be a bag."""
    figures = {"garbage.bags_found": proportion(sum(bag.met for bag in bags), len(bags))}
    for name, of in (("bags_confirmed", bags), ("others_confirmed", others)):
        said = [one.said for one in of if one.said is not None]
        if said:
            figures[f"garbage.{name}"] = proportion(sum(one is True for one in said), len(said))
    return figures


def report(played: Sequence[Played], wanted: Sequence[Expected]) -> Report:
    """Return the figures of clips that were ``played``, given what was ``wanted``."""
    false = [event for clip in played for event in clip.events if not is_expected(event, wanted)]
    watched_s = sum(p.seconds - p.warming_s for p in played)  # no false event in no time proves nothing
    figures = {
        "garbage.false_events": Figure(float(len(false)), len(played)),
        "garbage.watched_s": Figure(round(watched_s, 1), len(played)),
    }
    ms = [each for p in played for each in p.ms]
    if ms:
        figures["garbage.ms_per_picture"] = Figure(round(float(np.median(ms)), 2), len(ms))
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


def play(clip: Path, seeing: Stage | None, watching: Sequence[Watching]) -> list[Played]:
    """Return what each of ``watching`` reports over the whole ``clip``, given what ``seeing`` finds in it."""
    eyes = seeing.open(clip.stem, "e") if seeing else None
    cameras = [stage.open(clip.stem, "e") for stage in watching]
    events: list[dict[str | None, Event]] = [{} for _ in cameras]
    ms: list[list[float]] = [[] for _ in cameras]
    warming_s, last_s = [0.0] * len(cameras), 0.0
    for at_s, picture in pictures(clip):
        at = _START + timedelta(seconds=at_s)
        found: tuple[DetectedObject, ...] = eyes.look(picture, at, ()) if eyes else ()
        for i, camera in enumerate(cameras):
            began_s = thread_time()
            reported = camera.look(picture, at, found)[len(found) :]
            ms[i].append((thread_time() - began_s) * 1000)
            for thing in reported:
                events[i].setdefault(thing.track_id, Event(clip.name, at_s, thing.xyxyn))
            warming_s[i] += at_s - last_s if camera.warming is not None else 0.0
        last_s = at_s
    return [
        Played(clip.name, last_s, s, tuple(of.values()), tuple(each))
        for s, of, each in zip(warming_s, events, ms, strict=True)
    ]
