"""Why a rule did, or did not, raise anything at a moment: the log through the same code, listened to.

Pure but for the log that it is given: it says what gates, mutes and rules made of the last picture before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.backtest.past import decided
from alerts.facts import NO_FACTS, Facts
from alerts.objects import ObjectSettings
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.order import Event
from alerts.rules.base import RuleSettings, Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.chain import Trace
from alerts.suppression.said import Said
from lianfang.config import Config
from lianfang.events import DetectedObject, Observation


@dataclass
class Listener(Trace):
    """What the rules made of the newest event: (rule, place) → the sighting, and what held whom back."""

    seen: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    held: dict[tuple[str, str], tuple[Held, ...]] = field(default_factory=dict)

    def saw(self, case: Case, sighting: Sighting) -> None:
        """Hear what a rule makes of a picture."""
        self.seen[case.rule, case.place] = sighting

    def gated(self, case: Case, before: Sighting, after: Sighting, held: tuple[Held, ...]) -> None:
        """Hear what the gates made of it."""
        del before, after
        self.held[case.rule, case.place] = held

    def forget(self) -> None:
        """Begin with the next event."""
        self.seen.clear()
        self.held.clear()


def explained(
    config: Config,
    events: Iterable[Event],
    camera: str,
    at: datetime,
    said: Said,
    facts: Facts = NO_FACTS,
) -> list[str]:
    """Return, line by line, what every rule made of the camera's last picture up to ``at``.

    ``events`` are the log in its order; what was logged before the picture counts, as it did then.
    """
    listener = Listener()
    lines = [f"nothing of camera {camera} is in the log up to {at.isoformat()}"]
    known = (event for event in events if event.captured_at <= at)
    for event, decider, decisions in decided(config, known, facts, said, listener):
        if isinstance(event, Observation) and event.source == camera:
            lines = list(_lines(decider, event, listener, decisions, said))
        listener.forget()
    return lines


def _lines(
    decider: Decider, picture: Observation, listener: Listener, decisions: Sequence[Decision], said: Said
) -> Iterator[str]:
    config = decider.book.config
    local = picture.captured_at.astimezone(config.community.zone).isoformat(timespec="milliseconds")
    yield f"camera {picture.camera_id}, {local}: {len(picture.objects)} found"
    by_rule = {decision.rule: decision for decision in decisions}
    words = {word.id: f"{word.kind} of {word.author}: {word.reason}" for word in said.words}
    for rule_id, settings in config.rules.items():
        if not isinstance(settings, RuleSettings) or not settings.enabled:
            yield f"{rule_id}: not enabled"
            continue
        if picture.camera_id not in settings.sources:
            yield f"{rule_id}: not its camera"
            continue
        sightings = {place: s for (rule, place), s in listener.seen.items() if rule == rule_id}
        yield f"{rule_id}:" + ("" if sightings else " nothing that concerns it")
        for found in picture.objects:
            progress = decider.progress(rule_id, picture.camera_id, found.track_id or "")
            yield f"  {_name(found)}: {_fate(found, settings, sightings, progress)}"
        for place in sightings:
            for by in listener.held.get((rule_id, place), ()):
                yield f"  held back at {place}: {by.reason}" + (
                    f" ({words[by.by]})" if by.by in words else ""
                )
        if rule_id in by_rule:
            yield from _decided(by_rule[rule_id], words)


def _name(found: DetectedObject) -> str:
    return f"{found.label} {found.track_id or 'without a number'} ({found.confidence:.2f})"


def _fate(
    found: DetectedObject, settings: RuleSettings, sightings: Mapping[str, Sighting], progress: str
) -> str:
    """Return how far an object came with a rule; ``progress`` is the rule's own word on that."""
    if isinstance(settings, ObjectSettings):
        if found.label not in settings.labels:
            return f"not its kind: {', '.join(settings.labels)}"
        if found.confidence < settings.min_confidence:
            return f"confidence {found.confidence:.2f} < {settings.min_confidence:.2f}"
        if settings.excluded(found):
            return f"not as the rule wants it: {dict(settings.having)}"
    for place, sighting in sightings.items():
        if any(m.track_id == found.track_id and m.xyxyn == found.xyxyn for m in sighting.members):
            return f"counts at {place}"
        if any(m.track_id == found.track_id and m.xyxyn == found.xyxyn for m in sighting.present):
            return f"there at {place}, and does not count yet: {progress or _needs(settings)}"
    return "not where the rule looks"


def _needs(settings: RuleSettings) -> str:
    needs = {
        key: getattr(settings, key, None) for key in ("frames", "dwell_s", "at_least", "for_s", "having")
    }
    return ", ".join(f"{key} {value}" for key, value in needs.items() if value) or "its tracker is not sure"


def _decided(decision: Decision, words: Mapping[str, str]) -> Iterator[str]:
    incident = decision.incident
    done = ", ".join(str(change.kind) for change in decision.changes) or "goes on"
    yield f"  incident {incident.id}, open since {incident.opened_at.isoformat()}: {done}"
    if incident.muted is not None:
        by = words.get(incident.muted_by, f"incident {incident.muted_by}" if incident.muted_by else "")
        yield f"    nobody hears of it: {incident.muted}" + (f" ({by})" if by else "")
    elif incident.silent is not None:
        yield f"    nothing is said: {incident.silent}"
    elif incident.spoken:
        yield f"    said {incident.spoken} times"
