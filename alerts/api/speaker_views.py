"""Speakers as the console shows them: the configuration in force, and what the store knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import calls
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.speaker_models import (
    CallAnswer,
    CallView,
    SpeakerGroup,
    SpeakerHour,
    SpeakersState,
    SpeakerView,
    SpeechLine,
)
from alerts.channels.base import SpeakerConfig
from alerts.receivers import speaker_settings
from alerts.settings import Settings
from alerts.store import receivers, spoken, suppressions
from alerts.store.calls import CallRow
from alerts.store.schema import OutboxRow, SpeakerRow
from alerts.suppression.said import NOTHING_SAID, Kind, Said
from lianfang.almanac import Almanac
from lianfang.config import Config
from lianfang.config.changes import SPEAKER_KEYS, Changes
from lianfang.redact import redact

_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)
_WAITING = 20  # shown of what waits at one speaker
_CALLS = 30


class SpeakerViews:
    """Looks at the speakers of a configuration."""

    def __init__(self, settings: Settings, names: Names) -> None:
        self._settings, self._names = settings, names

    def state(self, session: Session, now: datetime) -> SpeakersState:
        """Return every speaker and their groups as they are now."""
        config, newest = self._settings.config(), self._settings.newest()
        changes = newest.changes if newest is not None else Changes()
        known = {row.receiver: row for row in session.scalars(select(SpeakerRow))}
        said = suppressions.fresh(session, NOTHING_SAID, now)
        off, pending, last = receivers.disabled_why(session), _pending(session), _last(session, now)
        authors = _authors(session, [row for rows in (*pending.values(), last.values()) for row in rows])
        named = {receiver.id: receiver for receiver in self._names.receivers()}
        where = calls.heard_at(config)
        spoken_lately = spoken.lately(session, now)
        found = []
        for name, places in where.items():
            rows, row = pending.get(name, []), known.get(name)
            under_way = next((r for r in rows if r.lease_until is not None and r.lease_until > now), None)
            ended = last.get(name)
            mine = [s.at for s in spoken_lately if s.speaker == name]
            found.append(
                SpeakerView(
                    **self._settings_of(config, changes, name, calls.almanac_at(config, places), now),
                    name=named[name],
                    places=self._places(config, places),
                    condition=row.health if row is not None and row.heard_at is not None else "unknown",
                    since=row.since if row else None,
                    heard_at=row.heard_at if row else None,
                    detail=redact(row.detail) if row else "",
                    disabled_at=off[name][0] if name in off else None,
                    maintained_until=_maintained_until(said, name, now),
                    now=self.line(under_way, authors) if under_way else None,
                    waiting=[self.line(r, authors) for r in rows if r is not under_way][:_WAITING],
                    last=self.line(ended, authors) if ended else None,
                    said_hour=sum(now - at < _HOUR for at in mine),
                    said_day=len(mine),
                )
            )
        groups = [SpeakerGroup(id=i, name=n, speakers=list(s)) for i, n, s in calls.groups(config) if s]
        return SpeakersState(hour=now.astimezone(config.community.zone).hour, speakers=found, groups=groups)

    def line(self, row: OutboxRow, authors: Mapping[str, tuple[str, str]]) -> SpeechLine:
        """Return one speech; ``authors`` are kind and person by call."""
        speech: dict[str, Any] = row.payload["speech"]
        kind, author = authors.get(row.call_id or "", ("rule", ""))
        return SpeechLine.model_validate(
            {
                "id": row.id,
                "kind": kind,
                "text": speech["text"],
                "incident": row.incident_id or "",
                "call": row.call_id or "",
                "by_name": self._names.operator(author),
                "priority": row.priority,
                "volume_pct": speech["volume_pct"],
                "since": row.created_at,
                "state": row.state,
                "outcome": row.outcome,
                "detail": redact(row.last_error),
                "stopping": bool(row.stop),
                "said_at": row.finished_at,
            }
        )

    def calls(self, session: Session, only: str | None = None) -> list[CallView]:
        """Return what people said last, the newest first, or one call."""
        query = select(CallRow).order_by(CallRow.at.desc(), CallRow.id).limit(_CALLS)
        rows = list(session.scalars(query if only is None else query.where(CallRow.id == only)))
        ids = [row.id for row in rows]
        owed = session.scalars(select(OutboxRow).where(OutboxRow.call_id.in_(ids))) if ids else ()
        answers = {(row.call_id, row.receiver): row for row in owed}
        authors = {row.id: (row.kind, row.author) for row in rows}
        named = {receiver.id: receiver for receiver in self._names.receivers()}
        return [
            CallView(
                id=row.id,
                kind=calls.Kind(row.kind),
                author=row.author,
                author_name=self._names.operator(row.author),
                at=row.at,
                text=row.text,
                group=row.target,
                seconds=row.seconds,
                stopped_by_name=self._names.operator(row.stopped_by),
                answers=[
                    CallAnswer(
                        speaker=_named(named, name),
                        speech=self.line(answer, authors)
                        if (answer := answers.get((row.id, name))) is not None
                        else None,
                    )
                    for name in row.speakers
                ],
            )
            for row in rows
        ]

    def _places(self, config: Config, places: Sequence[tuple[str, str, str]]) -> list[Named]:
        found = {}
        for point, camera, zone in places:
            name = config.cameras[camera].zones[zone].name
            text = " · ".join(filter(None, (self._names.point(point).name, name)))
            found[text] = Named(id=point, name=text)
        return list(found.values())

    def _settings_of(
        self, config: Config, changes: Changes, name: str, almanac: Almanac, now: datetime
    ) -> dict[str, Any]:
        """Return what the configuration says of a speaker, and what follows from it for today."""
        settings = speaker_settings(config, name)
        midnight = now.astimezone(config.community.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        hours = [
            SpeakerHour(
                loudest_pct=settings.loudest_pct(at, almanac), quiet=settings.quiet.applies(at, almanac)
            )
            for at in (midnight + n * _HOUR for n in range(24))
        ]
        return {
            "id": name,
            "kind": getattr(settings, "kind", ""),
            "plays": _plays(settings),
            "microphone": settings.microphone,
            "hours": hours,
            "quiet": settings.quiet.applies(now, almanac),
            "loudest_pct": settings.loudest_pct(now, almanac),
            "settings": settings.model_dump(mode="json", include=set(SPEAKER_KEYS)),
            "changed": name in changes.speakers,
        }


def _plays(settings: SpeakerConfig) -> str:
    if settings.speaks_text:
        return "text"
    return "sound" if settings.plays_sound else "stored"


def _named(named: Mapping[str, NamedInBoth], name: str) -> NamedInBoth:
    return (
        named[name]
        if name in named
        else NamedInBoth.model_validate({"id": name, "name": {"zh": name, "en": name}})
    )


def _maintained_until(said: Said, name: str, now: datetime) -> datetime | None:
    words = (w for w in said.of(Kind.MAINTENANCE) if w.receiver == name and w.is_valid(now))
    return max((word.until for word in words if word.until is not None), default=None)


def _pending(session: Session) -> Mapping[str, list[OutboxRow]]:
    """Return by speaker what is said or waits, the most urgent first."""
    query = select(OutboxRow).where(OutboxRow.state == "pending", OutboxRow.kind == "speech")
    found: dict[str, list[OutboxRow]] = {}
    for row in session.scalars(query.order_by(OutboxRow.priority.desc(), OutboxRow.seq)):
        found.setdefault(row.receiver, []).append(row)
    return found


def _last(session: Session, now: datetime) -> Mapping[str, OutboxRow]:
    """Return by speaker what ended last there within a week."""
    newest = (
        select(func.max(OutboxRow.seq))
        .where(OutboxRow.kind == "speech", OutboxRow.captured_at > now - _WEEK)
        .where(OutboxRow.finished_at.is_not(None))
        .group_by(OutboxRow.receiver)
    )
    return {row.receiver: row for row in session.scalars(select(OutboxRow).where(OutboxRow.seq.in_(newest)))}


def _authors(session: Session, rows: Sequence[OutboxRow]) -> Mapping[str, tuple[str, str]]:
    """Return kind and author of the calls that speeches are of."""
    ids = {row.call_id for row in rows if row.call_id}
    found: Iterator[CallRow] = (
        iter(session.scalars(select(CallRow).where(CallRow.id.in_(ids)))) if ids else iter(())
    )
    return {row.id: (row.kind, row.author) for row in found}
