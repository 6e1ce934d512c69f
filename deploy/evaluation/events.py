"""Events of clips through the real rules: which expected ones are raised, how late, and what else is.

``clips/events.jsonl`` says what happens (``{"file", "rule", "start_s", "end_s"}`` a line). Each clip is
played once at FPS with the configuration of a site that nothing is known of: the whole picture is the zone. A
rule that is named anywhere in the list is under test in every clip of the folder: all its events are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.incidents.model import ChangeKind
from deploy.evaluation import site
from deploy.evaluation.rules import NAMES, RULES
from deploy.replay import Alarm, Replay, stages_of
from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.expected import Expected, events_file, expected
from detectors.evaluation.media import clips_of, pictures, sample
from detectors.evaluation.tracker import median
from detectors.stages.base import Stage
from lianfang.config import Config
from lianfang.errors import ConfigError, ConfigProblem

EARLY_S = 1.0
"""An alarm may be so much earlier than the time that a person wrote down."""
_MEDIAN_NEEDS = 6  # fewer values have no 95 % interval of their median


@dataclass(frozen=True)
class Played:
    """A clip that was looked at, in seconds, and what was raised in it."""

    file: str
    seconds: float
    alarms: tuple[Alarm, ...]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures; None where ``data`` has no clips, or does not say what happens in them.

    ConfigError names the lines of the list that are none; ModelError where the object model is missing.
    """
    wanted = expected(events_file(data))
    clips = {clip.name: clip for clip in clips_of(data)}
    if not wanted or not clips:
        return None
    names = names_of(wanted, events_file(data))
    named = {event.file for event in wanted}
    if sample().name not in named:
        clips.pop(sample().name, None)
    config = site.unknown_site(names, models_dir)
    stages = stages_of(config, config.detectors)
    played = [play(clip, config, stages) for clip in clips.values()]
    there = [event for event in wanted if event.file in clips]
    result = report(played, there)
    absent = tuple(f"{name} is not there: its events are not counted" for name in sorted(named - set(clips)))
    return Report(result.figures, (*result.notes, *absent))


def names_of(wanted: Iterable[Expected], file: Path) -> list[str]:
    """Return the rules that are under test, sorted; ConfigError names the lines of unknown ones."""
    wanted = list(wanted)
    problems = [
        ConfigProblem(file, event.line, "rule", repr(event.rule), f"one of {', '.join(sorted(NAMES))}")
        for event in wanted
        if event.rule not in NAMES
    ]
    if problems:
        raise ConfigError(problems)
    return sorted({NAMES[event.rule] for event in wanted})


def play(clip: Path, config: Config, stages: Mapping[str, Stage]) -> Played:
    """Return what is raised over the whole ``clip``."""
    replay, at_s = Replay(config, site.CAMERA, stages), 0.0
    for seq, (at_s, picture) in enumerate(pictures(clip)):
        replay.look(site.frame(config, picture, at_s, seq))
    return Played(clip.name, at_s, tuple(replay.alarms))


def report(played: Sequence[Played], wanted: Sequence[Expected]) -> Report:
    """Return the figures of clips that were ``played``, given what was ``wanted`` in them."""
    figures: dict[str, Figure] = {}
    notes = [f"{clip.file}: {clip.seconds:.0f} s" for clip in played]
    firsts: dict[Expected, float | None] = {event: _first_s(event, played) for event in wanted}
    delays = [max(0.0, at_s - event.start_s) for event, at_s in firsts.items() if at_s is not None]
    false = [(clip.file, alarm) for clip in played for alarm in clip.alarms if _is_false(clip, alarm, wanted)]
    if wanted:
        figures["events.found"] = proportion(len(delays), len(wanted))
    figures["events.false"] = Figure(float(len(false)), len(played))
    if delays:
        middle = median(delays)
        figures["events.delay_s"] = (
            middle if len(delays) >= _MEDIAN_NEEDS else Figure(middle.value, len(delays))
        )
    for name in sorted({NAMES[event.rule] for event in wanted}):
        mine = [event for event in wanted if NAMES[event.rule] == name]
        found = sum(firsts[event] is not None for event in mine)
        figures[f"events.found_{name}"] = proportion(found, len(mine))
        count = sum(alarm.rule == name for _, alarm in false)
        figures[f"events.false_{name}"] = Figure(float(count), len(played))
    notes += [
        f"missed: {e.file}: {e.rule}, {e.start_s:g} to {e.end_s:g} s"
        for e, at in firsts.items()
        if at is None
    ]
    notes += [f"false: {file}: {alarm.rule} at {site.seconds(alarm.at):.1f} s" for file, alarm in false]
    return Report(figures, tuple(notes))


def is_in(alarm: Alarm, event: Expected) -> bool:
    """Say whether ``alarm``, raised in the clip of ``event``, can be about it."""
    name = NAMES[event.rule]
    in_time = event.start_s - EARLY_S <= site.seconds(alarm.at) <= event.end_s + RULES[name].late_s
    return alarm.rule == name and in_time


def _first_s(event: Expected, played: Iterable[Played]) -> float | None:
    times = (
        site.seconds(alarm.at)
        for clip in played
        for alarm in clip.alarms
        if clip.file == event.file and is_in(alarm, event)
    )
    return min(times, default=None)


def _is_false(clip: Played, alarm: Alarm, wanted: Iterable[Expected]) -> bool:
    """Say whether ``alarm`` opens an incident that nobody expects."""
    return alarm.kind is ChangeKind.OPENED and not any(
        is_in(alarm, event) for event in wanted if event.file == clip.file
    )
