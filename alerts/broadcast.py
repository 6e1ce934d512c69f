"""What a person says through the speakers of an incident's place, and how they silence it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.actions import NotAllowed
from alerts.incidents.model import ChangeKind
from alerts.pipeline import route
from alerts.pipeline.speakers import covering, stands_still
from alerts.pipeline.speeches import Said
from alerts.rules.base import RuleSettings
from alerts.speech import SpeechSettings
from alerts.store import Store, speakers, suppressions
from alerts.store.incidents import add_change
from alerts.store.schema import ChangeRow, IncidentRow
from lianfang.clock import Clock
from lianfang.config import Config, Text
from lianfang.errors import LianfangError
from lianfang.ids import identify

PER_MINUTE = 6  # of one person; and of all of them together at one incident
_MINUTE = timedelta(minutes=1)


class AllStopped(NotAllowed):
    """Nothing is said anywhere for now: a person has stopped every broadcast."""

    def __init__(self) -> None:
        super().__init__("every broadcast is stopped for now")


class TooOften(LianfangError):  # noqa: N818 - reads as the fact it states
    """A person has spoken often enough within a minute."""


def say(
    store: Store, config: Config, clock: Clock, incident_id: str, actor: str, text: str
) -> dict[str, Any]:
    """Let the nearest speaker say ``text`` ("": what was said last) for ``actor``; return who says what.

    A person may speak at any hour, as loudly as the speaker may be at that hour. LookupError if there is no
    such incident; NotAllowed if it is over, no speaker covers its place or there is nothing to say again;
    AllStopped, TooOften.
    """
    now = clock.now()
    with store.write() as session:
        row, rule = _found(session, config, incident_id)
        heard = covering(config, rule, row)
        if row.ended_at is not None or not heard:
            raise NotAllowed("the incident is over" if row.ended_at else "no speaker covers the place")
        if stands_still(suppressions.standstill(session, now), lives=rule.life_safety):
            raise AllStopped
        if _spoken(session, now, ChangeRow.actor == actor) or _spoken(
            session, now, ChangeRow.incident_id == row.id
        ):
            raise TooOften(f"{PER_MINUTE} times within a minute are enough")
        said = _said(rule.speech, row, text, identify("spoken", row.id, actor, now.isoformat()), now)
        told = route.owe(session, config, rule, row, heard, said, now, now)
        if not text:
            row.hushed_at = None
        add_change(session, row.id, ChangeKind.CALLED, actor, {**told, "note": told["text"]}, now)
        return told


def hush(store: Store, config: Config, clock: Clock, incident_id: str, actor: str) -> int:
    """Break off what is said about an incident; nothing more is said before somebody else comes.

    Return how many speeches were stopped; LookupError if there is no such incident.
    """
    now = clock.now()
    with store.write() as session:
        row, _ = _found(session, config, incident_id)
        count = speakers.stop(session, row.id, "operator", now=now)
        row.hushed_at = now
        add_change(session, row.id, ChangeKind.HUSHED, actor, {"speeches": count}, now)
        return count


def _found(session: Session, config: Config, incident_id: str) -> tuple[IncidentRow, RuleSettings]:
    row = session.get(IncidentRow, incident_id)
    if row is None:
        raise LookupError(f"no incident {incident_id}")
    rule = config.rules.get(row.rule)
    if not isinstance(rule, RuleSettings):
        raise NotAllowed(f"the configuration has no rule {row.rule} any more")
    return row, rule


def _spoken(session: Session, now: datetime, whose: Any) -> bool:  # noqa: ANN401 - a condition
    """Say whether ``whose`` share of this minute is used up."""
    query = select(func.count()).select_from(ChangeRow).where(ChangeRow.kind == ChangeKind.CALLED, whose)
    return (session.scalar(query.where(ChangeRow.at > now - _MINUTE)) or 0) >= PER_MINUTE


def _said(speech: SpeechSettings | None, row: IncidentRow, text: str, said_id: str, now: datetime) -> Said:
    if not text and speech is None:
        raise NotAllowed("the rule says nothing that could be said again")
    defaults = speech or SpeechSettings(text=Text(zh="-"))
    n = max(row.spoken, 1)
    own = text.replace("{", "{{").replace("}", "}}")  # what a person types has no fields
    return Said(
        id=said_id,
        text=Text(zh=own) if text else defaults.said(n),
        volume_pct=defaults.loudness_pct(n),
        repeat=1 if text else defaults.repeat,
        max_s=defaults.max_s,
        valid_until=now + timedelta(seconds=defaults.valid_s),
        by_person=True,
    )
