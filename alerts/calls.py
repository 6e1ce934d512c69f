"""What a person says through speakers of their choice, at no incident: own words, a test tone, their voice.

Each speaker that is chosen says it itself: no other speaks in its place. It waits its turn there as every
speech does, and is recorded: who, when, what, where, and what each speaker answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.broadcast import PER_MINUTE, AllStopped, TooOften
from alerts.channels.base import SpeakerConfig
from alerts.payload import Speech
from alerts.receivers import speaker_settings
from alerts.store import Store, outbox, speakers, suppressions
from alerts.store.calls import CallRow
from alerts.store.schema import OutboxRow
from alerts.voice.clips import TONE
from alerts.voice.microphone import MOST_S, voice_clip
from lianfang.almanac import Almanac
from lianfang.clock import Clock
from lianfang.config import Config, Spoken
from lianfang.ids import identify


class Kind(StrEnum):
    """What is said."""

    WORDS = "words"
    TONE = "tone"
    VOICE = "voice"


# A voice goes before whatever the system says, but not before what may save a life.
_PRIORITY = {Kind.WORDS: 70, Kind.TONE: 10, Kind.VOICE: 85}
_VALID_S = {Kind.WORDS: 60, Kind.TONE: 30, Kind.VOICE: 60}
_MAX_S = {Kind.WORDS: 60, Kind.TONE: 10, Kind.VOICE: int(MOST_S)}
_TONE_TEXT: dict[Spoken, str] = {"zh": "广播测试。", "yue": "广播测试。", "en": "This is a speaker test."}
_VOICE_TEXT = "（人声）"
VOLUME_PCT = {Kind.WORDS: 70, Kind.TONE: 40, Kind.VOICE: 80}
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to say and where: ``speakers`` in order, ``target`` names the group that they are, "" for none.

    ``volume_pct`` is 0-100, within what each speaker may be at this hour.
    """

    kind: Kind
    speakers: tuple[str, ...]
    text: str = ""
    target: str = ""
    volume_pct: int | None = None


def make(store: Store, config: Config, clock: Clock, author: str, wanted: Wanted) -> CallRow:
    """Record a call, owe it to its speakers, and return its row; raises as ``record``."""
    with store.write() as session:
        now = clock.now()
        row = record(session, config, author, wanted, now)
        owe(session, config, row, wanted.speakers, wanted.volume_pct, now)
        return row


def record(session: Session, config: Config, author: str, wanted: Wanted, now: datetime) -> CallRow:
    """Record a call in the caller's transaction, owe it to nobody yet, and return its row.

    LookupError for what is no speaker; AllStopped during a standstill; TooOften.
    """
    for name in wanted.speakers:
        speaker_settings(config, name)
    if suppressions.standstill(session, now) is not None:
        raise AllStopped
    mine = select(func.count()).select_from(CallRow).where(CallRow.author == author)
    lately = session.scalar(mine.where(CallRow.at > now - _MINUTE)) or 0
    if lately >= PER_MINUTE:
        raise TooOften(f"{PER_MINUTE} times within a minute are enough")
    row = CallRow(
        id=identify("call", author, now.isoformat(), lately),
        kind=wanted.kind,
        author=author,
        at=now,
        text=wanted.text,
        speakers=list(wanted.speakers),
        target=wanted.target,
    )
    session.add(row)
    session.flush()
    return row


def owe(
    session: Session,
    config: Config,
    row: CallRow,
    names: Iterable[str],
    volume_pct: int | None,
    now: datetime,
) -> None:
    """Owe a call to some of its speakers, in the caller's transaction."""
    kind = Kind(row.kind)
    for name in names:
        settings = speaker_settings(config, name)
        speech = _speech(
            config, row, name, settings, VOLUME_PCT[kind] if volume_pct is None else volume_pct, now
        )
        outbox.enqueue(
            session,
            id=speech.id,
            receiver=name,
            incident_id=None,
            call_id=row.id,
            incident_version=0,
            kind="speech",
            payload={"speech": speech.model_dump(mode="json"), "fallbacks": [], "voices": {}},
            now=now,
            captured_at=now,
            valid_until=speech.valid_until,
            priority=speech.priority,
        )


def stop(store: Store, clock: Clock, call_id: str, by: str) -> int:
    """Break off a call wherever it is said or waits; return at how many speakers. LookupError without it."""
    with store.write() as session:
        row = session.get(CallRow, call_id)
        if row is None:
            raise LookupError(f"no call {call_id}")
        row.stopped_by = row.stopped_by or by
        return len(speakers.stopped(session, "operator", OutboxRow.call_id == call_id, now=clock.now()))


def silence(store: Store, config: Config, clock: Clock, speaker: str) -> int:
    """Break off what a speaker says, and drop what waits there; return how many. LookupError without it."""
    speaker_settings(config, speaker)
    with store.write() as session:
        return len(speakers.stopped(session, "operator", OutboxRow.receiver == speaker, now=clock.now()))


def loudest_pct(config: Config, name: str, at: datetime) -> int:
    """Return how loud a speaker may be at ``at``, 0-100, the sun being that of where it is heard."""
    return speaker_settings(config, name).loudest_pct(at, almanac_at(config, heard_at(config)[name]))


def almanac_at(config: Config, places: Iterable[tuple[str, str, str]]) -> Almanac:
    """Return what the hours of a speaker go by that is heard at ``places`` of ``heard_at``."""
    return config.almanac(next((camera for _, camera, _ in places), None))


def heard_at(config: Config) -> dict[str, list[tuple[str, str, str]]]:
    """Return by speaker where it is heard: (point, camera, zone), each once."""
    found: dict[str, list[tuple[str, str, str]]] = {name: [] for name in config.receivers_of("speaker")}
    for camera_id, camera in config.cameras.items():
        for zone_id, zone in camera.zones.items():
            for name in zone.speakers:
                if name in found:
                    found[name].append((camera.point, camera_id, zone_id))
    return found


def groups(config: Config) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield the groups of speakers: id, name, members; all, each cell, each point."""
    where = heard_at(config)

    def at(points: Iterable[str]) -> list[str]:
        wanted = set(points)
        return [name for name, places in where.items() if any(point in wanted for point, _, _ in places)]

    yield "all", "", list(where)
    for cell_id, cell in config.grid_cells.items():
        yield f"cell:{cell_id}", cell.name, at(cell.points)
    for point_id, point in config.points.items():
        yield f"point:{point_id}", point.name, at([point_id])


def _speech(
    config: Config, row: CallRow, name: str, settings: SpeakerConfig, volume_pct: int, now: datetime
) -> Speech:
    kind, language = Kind(row.kind), _language(config, settings, row.text)
    text = {Kind.WORDS: row.text, Kind.TONE: _TONE_TEXT[language], Kind.VOICE: _VOICE_TEXT}[kind]
    clip = {Kind.WORDS: "", Kind.TONE: TONE, Kind.VOICE: voice_clip(row.id)}[kind]
    return Speech(
        id=identify("speech", row.id, name),
        text=text,
        language=language,
        clip=clip,
        volume_pct=min(volume_pct, loudest_pct(config, name, now)),
        repeat=1,
        priority=_PRIORITY[kind],
        max_s=_MAX_S[kind],
        valid_until=now + timedelta(seconds=_VALID_S[kind]),
    )


def _language(config: Config, settings: SpeakerConfig, text: str) -> Spoken:
    """Return what a text is said in: Chinese characters as they are read near the speaker."""
    near = (*settings.languages, *config.community.languages, config.community.language)[0]
    if text and not any("\u3400" <= character <= "\u9fff" for character in text):
        return "en"
    return "zh" if text and near == "en" else near
