"""What the alert worker sees of walk tests: written in the transaction in which it decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.ground import Ground
from alerts.objects import ObjectSettings
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Event
from alerts.rules.base import Sighting
from alerts.store.walks import WalkTestRow
from alerts.suppression.case import Case, Held
from alerts.suppression.said import Kind, Suppression
from alerts.walks import tried_by
from lianfang.config import Config
from lianfang.events import DetectedObject, Observation

_PEOPLE, _CONFIDENCE = frozenset({"person"}), 0.4  # where no rule looks at the zone


@dataclass(frozen=True, slots=True)
class _Counted:
    """A rule counted somebody in the zone that is tried; ``held`` says why it would raise nothing."""

    walk: str
    rule: str
    at: datetime
    held: str


@dataclass
class Walks:
    """Hears what rules make of a batch; costs nothing while nobody walks."""

    counted: list[_Counted] = field(default_factory=list)

    def gated(self, case: Case, before: Sighting, after: Sighting, held: tuple[Held, ...]) -> None:
        """Hear whom a rule counts, and what the gates leave of them."""
        for word in case.said.of(Kind.WALK):
            there = any(member.zone == word.zone for member in before.members)
            if there and word.camera == case.camera and word.is_open(case.at, case.almanac):
                reason = held[0].reason if held and not after.members else ""
                self.counted.append(_Counted(word.id, case.rule, case.at, reason))

    def write(self, session: Session, decider: Decider, events: Iterable[Event], now: datetime) -> None:
        """Write what a batch shows of the walk tests that go on."""
        words = {word.id: word for word in decider.said.of(Kind.WALK)}
        if not words:
            return
        cameras = {word.camera for word in words.values()}
        seen = [e for e in events if isinstance(e, Observation) and e.camera_id in cameras]
        if not seen:
            return
        query = select(WalkTestRow).where(WalkTestRow.id.in_(words)).order_by(WalkTestRow.id)
        for row in session.scalars(query.with_for_update()):
            for observation in seen:
                if observation.camera_id == row.camera and _is_within(row, observation.captured_at):
                    _look(row, observation, decider.book.config, words[row.id])
            for one in self.counted:
                better = row.alert_at is None or (row.held and not one.held)
                if one.walk == row.id and better and _is_within(row, one.at):
                    row.alert_at, row.rule, row.held = now, one.rule, one.held


def _is_within(row: WalkTestRow, at: datetime) -> bool:
    return row.started_at <= at < (row.ended_at or row.until)


def _look(row: WalkTestRow, observation: Observation, config: Config, word: Suppression) -> None:
    row.pictures += 1
    camera = config.cameras.get(row.camera)
    if camera is None or word.zone not in camera.zones:
        return  # taken away meanwhile
    labels = _looked_for(config, row.camera, row.zone)
    inside = Ground.of(camera).standing(observation).get(row.zone, frozenset())
    people = [o for i in inside if _counts(o := observation.objects[i], labels)]
    if not people:
        return
    tallest = max(people, key=lambda o: o.xyxyn[3] - o.xyxyn[1])
    row.seen += 1
    row.most = max(row.most, len(people))
    row.seen_at, row.last_seen_at = row.seen_at or observation.captured_at, observation.captured_at
    row.height_px = round((tallest.xyxyn[3] - tallest.xyxyn[1]) * observation.height)
    row.heights_px += row.height_px
    row.confidence = max(row.confidence, *(person.confidence for person in people))


def _looked_for(config: Config, camera: str, zone: str) -> Mapping[str, float]:
    """Return what the rules about a zone take for somebody, each with the confidence that it needs."""
    found: dict[str, float] = {}
    for rule in tried_by(config, camera, zone).values():
        if isinstance(rule, ObjectSettings):
            for label in rule.labels:
                found[label] = min(found.get(label, 1.0), rule.min_confidence)
    return found or dict.fromkeys(_PEOPLE, _CONFIDENCE)


def _counts(detected: DetectedObject, labels: Mapping[str, float]) -> bool:
    return detected.confidence >= labels.get(detected.label, 2.0)
