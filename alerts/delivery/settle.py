"""Write down what became of attempts, and let the next speaker speak where one cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from alerts.delivery.attempt import Attempt, said_until
from alerts.delivery.policy import Again, Dead, Done, Kept, Late, Stopped, Verdict
from alerts.store import outbox, receivers
from alerts.store.incidents import hold
from alerts.store.schema import OutboxRow
from lianfang.ids import identify


@dataclass(frozen=True, slots=True)
class Settled:
    """One row as it stands after its verdict, and which speaker speaks instead."""

    row: OutboxRow
    verdict: Verdict
    heir: str | None = None

    @property
    def unsaid(self) -> bool:
        """Whether it is a speech about an incident that was tried, and that no speaker could say.

        What only waited too long behind others is another matter: the speakers are there.
        """
        if not isinstance(self.verdict, Dead | Late) or self.heir is not None or self.row.incident_id is None:
            return False
        return self.row.kind == "speech" and self.row.attempts > 0 and self.row.outcome != "pre_empted"


def settle(
    session: Session,
    verdicts: Iterable[tuple[Attempt, Verdict]],
    *,
    owner: str,
    now: datetime,
    speakers: Collection[str],
) -> list[Settled]:
    """Record each verdict in the caller's transaction; return those that count.

    Somebody else's lease on a row means that this attempt took too long and another one is under way: only
    its success still counts. ``speakers`` are those that a speech may be handed on to.
    """
    verdicts = list(verdicts)
    hold(session, {attempt.row.about for attempt, _ in verdicts})  # before what is owed because of them
    rows = outbox.taken(session, [attempt.row.seq for attempt, _ in verdicts])
    settled = []
    for attempt, verdict in verdicts:
        row = rows.get(attempt.row.seq)
        if row is None or (row.lease_owner != owner and not isinstance(verdict, Done)):
            continue
        if attempt.error is not None and attempt.error.untaken:
            row.unsure -= 1
        heir = apply(session, row, verdict, now=now, speakers=speakers)
        settled.append(Settled(row, verdict, heir))
    return settled


def apply(
    session: Session, row: OutboxRow, verdict: Verdict, *, now: datetime, speakers: Collection[str]
) -> str | None:
    """Record one verdict about ``row``; return who speaks instead, if it is handed on."""
    heir = None
    match verdict:
        case Done():
            outbox.delivered(session, row, now=now, outcome=verdict.outcome[:32], detail=verdict.detail)
        case Again():
            outbox.retry(row, due_at=verdict.due_at, error=verdict.error)
        case Kept():
            receivers.disable(session, row.receiver, now=now, reason=verdict.error)
            outbox.retry(row, due_at=now, error=verdict.error)
        case Late():
            row.last_error = verdict.error
            outbox.expire(session, row, now=now)
        case Stopped():
            outbox.stopped(session, row, verdict.why, now=now, detail=verdict.detail)
        case Dead():
            if verdict.disable:
                receivers.disable(session, row.receiver, now=now, reason=verdict.error)
            heir = hand_on(session, row, now=now, speakers=speakers) if row.kind == "speech" else None
            error = f"{verdict.error}; {heir} speaks instead" if heir else verdict.error
            outbox.dead(session, row, now=now, error=error)
    return heir


def hand_on(session: Session, row: OutboxRow, *, now: datetime, speakers: Collection[str]) -> str | None:
    """Owe the speech of ``row`` to its first fallback among ``speakers``; return which, or None.

    The validity stays: a fallback that is too late as well must not speak either.
    """
    fallbacks: list[str] = row.payload["fallbacks"]
    for i, speaker in enumerate(fallbacks):
        if speaker not in speakers:
            continue
        speech_id = identify("speech", row.about, speaker, row.id)
        voices = row.payload.get("voices", {})
        speech = row.payload["speech"] | voices.get(speaker, {}) | {"id": speech_id}
        outbox.enqueue(
            session,
            id=speech_id,
            receiver=speaker,
            incident_id=row.incident_id,
            call_id=row.call_id,
            incident_version=row.incident_version,
            kind="speech",
            payload={"speech": speech, "fallbacks": fallbacks[i + 1 :], "voices": voices},
            now=row.created_at,  # the decision is as old as it was, and so is its latency
            due_at=now,
            captured_at=row.captured_at,
            valid_until=said_until(row),
            priority=row.priority,
        )
        return speaker
    return None
