"""What a person says is to be held back, and takes back: who, when, why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.rules.base import RuleSettings
from alerts.store import Store, suppressions
from alerts.store.incidents import add_change, hold, loaded
from alerts.store.schema import IncidentRow, SuppressionRow
from alerts.suppression.case import Case
from alerts.suppression.check import problems
from alerts.suppression.mutes import muted_by_word
from alerts.suppression.said import Kind, Said, Suppression
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError


class Refused(LianfangError):  # noqa: N818 - reads as the fact it states
    """What was said leads nowhere, or would blind too much; the text says what is allowed."""


def say(
    store: Store, config: Config, clock: Clock, word: Suppression, incident_id: str = "", member: int = 0
) -> SuppressionRow:
    """Put a word into force and return its row; incidents that it mutes are muted at once.

    A dismissal is of the ``member`` of the incident with that number, 0 for the first that it has. Raises
    LookupError where there is no such incident, Refused where the word is not possible.
    """
    with store.write() as session:
        if incident_id:
            row = session.get(IncidentRow, incident_id)
            if row is None:
                raise LookupError(f"no incident {incident_id}")
            word = _of_member(row, word, member) if word.kind is Kind.DISMISSAL else word
        found = [
            f"{'.'.join(map(str, p.key)) or word.kind}: found {p.found}; allowed: {p.allowed}"
            for p in problems(word, config)
        ]
        if found:
            raise Refused("; ".join(found))
        added = suppressions.add(session, word, incident_id)
        _mute(session, config, word, clock.now())
        return added


def take_back(store: Store, clock: Clock, word_id: str, by: str) -> SuppressionRow:
    """Lift a word and return its row; LookupError where there is none, Refused for a trial.

    One lifted before stays as it was.
    """
    with store.write() as session:
        row = session.get(SuppressionRow, word_id)
        if row is None:
            raise LookupError(f"no suppression {word_id}")
        if row.kind == Kind.TRIAL:
            raise Refused("trial: found no sign-off; allowed: to sign it off, with a reason")
        suppressions.lift(session, row, by, clock.now())
        return row


def _of_member(row: IncidentRow, word: Suppression, member: int) -> Suppression:
    if row.subject:
        raise Refused(f"dismissal: found {row.subject!r}; allowed: a thing that its spot tells apart")
    people = [person for person in loaded(row).members if member in (0, person.n)]
    if not people:
        raise Refused(f"member: found {member}; allowed: somebody of the incident")
    person = people[0]
    return replace(word, rules=(row.rule,), camera=person.camera, label=person.label, xyxyn=person.xyxyn)


def _mute(session: Session, config: Config, word: Suppression, now: datetime) -> None:
    """Mute what is open: not with the next picture but now, whatever state its camera is in."""
    open_ones = session.scalars(select(IncidentRow.id).where(IncidentRow.ended_at.is_(None))).all()
    for row in filter(None, hold(session, open_ones).values()):
        rule = config.rules.get(row.rule)
        if row.muted or not row.occupied or not isinstance(rule, RuleSettings):
            continue
        case = Case(
            rule=row.rule,
            settings=rule,
            place=row.place,
            point=row.point,
            camera=row.camera,
            at=now,
            almanac=config.almanac(row.camera),
            said=Said(words=(word,)),
        )
        by = muted_by_word(case, loaded(row))
        if by is not None:
            row.muted, row.muted_by = by.reason, by.by
            suppressions.count(session, by.by, now)
            data = {"camera": row.camera, "captured_at": now.isoformat(), "silent": by.reason, "by": by.by}
            add_change(session, row.id, ChangeKind.MUTED, word.author, data, now)
