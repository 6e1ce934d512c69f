"""What each receiver is owed because an incident changed: rows of the outbox, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.notice_settings import PictureNoticeConfig
from alerts.notices import notice, noticed
from alerts.pipeline import hits, subscribers
from alerts.pipeline.listeners import assigned, called, forwarded, listeners
from alerts.pipeline.speakers import Speakers, healthy_first
from alerts.pipeline.speeches import Said, nth, speech_for
from alerts.rules.base import RuleSettings
from alerts.store import clips, outbox, spoken
from alerts.store.schema import IncidentRow, OutboxRow
from alerts.suppression.reasons import Reason
from lianfang.config import Config
from lianfang.ids import identify

# What receivers of notices hear about; evidence and deliveries change the timeline only.
TOLD = frozenset(
    {
        ChangeKind.OPENED,
        ChangeKind.RAISED,
        ChangeKind.ESCALATED,
        ChangeKind.CLEARED,
        ChangeKind.RETURNED,
        ChangeKind.UNSEEN,
        ChangeKind.SEEN,
        ChangeKind.ENDED,
        ChangeKind.HEARD,
        ChangeKind.CONFIRMED,
        ChangeKind.DISPATCHED,
        ChangeKind.HANDLED,
        ChangeKind.REOPENED,
        ChangeKind.FALSE_ALARM,
        ChangeKind.PERMITTED,
        ChangeKind.CLOSED,
        ChangeKind.FORWARDED,
        ChangeKind.CLIP,
    }
)
# Of an incident that is muted meanwhile, whoever knows of it hears that it is over.
_ENDINGS = frozenset(
    {
        ChangeKind.CLEARED,
        ChangeKind.ENDED,
        ChangeKind.UNASSIGNED,
        ChangeKind.FALSE_ALARM,
        ChangeKind.PERMITTED,
        ChangeKind.CLOSED,
    }
)
_WANTED = frozenset({ChangeKind.CONFIRMED, ChangeKind.ASSIGNED, ChangeKind.DISPATCHED, ChangeKind.FORWARDED})
OF_THE_ASSIGNEE = frozenset({ChangeKind.ASSIGNED, ChangeKind.UNASSIGNED})


_ON_RECORD = timedelta(minutes=1)  # for a speech that was said from memory to be written down


def speak(
    session: Session,
    speakers: Speakers,
    rule: RuleSettings,
    row: IncidentRow,
    captured_at: datetime,
    now: datetime,
    *,
    thanks: bool = False,
) -> dict[str, Any]:
    """Owe the ``row.spoken``-th speech to the nearest speaker of the zone, for what was seen at that time.

    With ``thanks`` it is the word of thanks, which the rule must have. Return, for the timeline, to whom or
    why not; ``trouble`` says that no speaker there is known to work.
    """
    free, silent = speakers.free(rule, row, captured_at)
    if rule.speech is None or silent is not None:
        return {"silent": silent}
    config = speakers.config
    said = nth(rule.speech, row.id, row.spoken, captured_at)
    if thanks and rule.speech.thanks is not None:
        thanks_id = identify("speech", row.id, f"thanks {captured_at.isoformat()}")
        volume_pct = rule.speech.loudness_pct(1)
        said = replace(said, id=thanks_id, text=rule.speech.thanks, volume_pct=volume_pct, repeat=1)
    elif speakers.said_by(said.id) is not None:
        # Nothing is said: what became of it is written. The command stays the one that was said: if this
        # process dies, another one sends it under the same id, to a speaker that knows it.
        return owe(session, config, rule, row, free, said, captured_at, now, until=now + _ON_RECORD)
    return owe(session, config, rule, row, free, said, captured_at, now)


def owe(
    session: Session,
    config: Config,
    rule: RuleSettings,
    row: IncidentRow,
    speakers: Sequence[str],
    said: Said,
    captured_at: datetime,
    now: datetime,
    *,
    until: datetime | None = None,
) -> dict[str, Any]:
    """Owe ``said`` to the nearest of ``speakers`` that works, to the others where it cannot.

    It is owed ``until`` then, or until its validity ends. Return what is said where, and whether none is
    known to work.
    """
    speakers, healthy = healthy_first(session, speakers, now)
    first, *others = (speech_for(config, rule, row, speaker, said, captured_at) for speaker in speakers)
    voices = {
        speaker: speech.model_dump(mode="json", include={"text", "language", "also", "volume_pct"})
        for speaker, speech in zip(speakers[1:], others, strict=True)
    }
    outbox.enqueue(
        session,
        id=said.id,
        receiver=speakers[0],
        incident_id=row.id,
        incident_version=row.version,
        kind="speech",
        payload={
            "speech": first.model_dump(mode="json"),
            "fallbacks": list(speakers[1:]),
            "voices": voices,
        },
        now=now,
        captured_at=captured_at,
        valid_until=until or said.valid_until,
        priority=first.priority,
    )
    spoken.note(session, spoken.Spoken(captured_at, speakers[0], row.camera))
    told = {"speaker": speakers[0], "text": first.text}
    return told if healthy else told | {"trouble": "no_healthy_speaker"}


def notify(
    session: Session,
    config: Config,
    rule: RuleSettings,
    row: IncidentRow,
    change: ChangeKind,
    now: datetime,
    captured_at: datetime,
) -> None:
    """Owe a notice to every receiver that may hear of the incident as it is now."""
    told = dict(assigned(config, row)) if change in TOLD | OF_THE_ASSIGNEE else {}
    if change in TOLD:
        told = dict(called(config, row, all_of_them=True)) | dict(forwarded(config, row)) | told
        told |= dict(listeners(rule, row))
    elif change is ChangeKind.RUNG:
        told = dict(called(config, row, all_of_them=False))
    # At first there is none, and to ask would write at once what is written best together.
    clip = noticed(clips.of(session, row.id)) if told and change is not ChangeKind.OPENED else None
    once = {target.receiver for target in rule.notify if not target.updates}
    for receiver, mode in told.items():
        if row.muted and not _is_told_though_muted(session, receiver, row, change):
            continue
        if receiver in once and change is not ChangeKind.RUNG and knows(session, receiver, row):
            continue
        stanza = config.receivers.get(receiver)
        shown = stanza if isinstance(stanza, PictureNoticeConfig) else PictureNoticeConfig()
        if change is ChangeKind.CLIP and not (shown.takes_clips and knows(session, receiver, row)):
            continue
        hears = clip if shown.clips != "none" else None
        message = notice(config, rule, row, change, mode, hears)
        outbox.enqueue(
            session,
            id=identify("notice", receiver, row.id, row.version),
            receiver=receiver,
            incident_id=row.id,
            incident_version=row.version,
            kind="notice",
            payload=message.model_dump(mode="json"),
            now=now,
            captured_at=captured_at,
        )
        if change is not ChangeKind.CLIP:  # of what they know nothing has changed
            subscribers.owe(session, config, receiver, message, now, captured_at)
            hits.answer(session, config, rule, row, message, receiver, now, captured_at)


def _is_told_though_muted(session: Session, receiver: str, row: IncidentRow, change: ChangeKind) -> bool:
    """Say whether a receiver hears of a change all the same: a person wants it, or what it knows is over."""
    if change in _WANTED:
        # To call what a trial shows right is to judge it, and no wish that the police come.
        return not (change is ChangeKind.CONFIRMED and row.muted == Reason.TRIAL)
    return change in _ENDINGS and knows(session, receiver, row)


def knows(session: Session, receiver: str, row: IncidentRow) -> bool:
    """Say whether a receiver was told of an incident, or is owed to be."""
    told = select(OutboxRow.seq).where(OutboxRow.receiver == receiver, OutboxRow.incident_id == row.id)
    return session.scalar(told.limit(1)) is not None
