"""Incidents and owed rows, written straight into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from alerts.payload import Notice, NoticePlace, Speech
from alerts.store import Store, outbox
from alerts.store.calls import CallRow
from alerts.store.incidents import hold
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.ids import identify

T0 = datetime(2025, 6, 1, 8, 0, 0, tzinfo=UTC)


def open_store(folder: Path) -> Store:
    """Return a store in a file, as several threads and processes share it."""
    return Store(f"sqlite:///{folder / 'store.db'}")


def open_incident(session: Session, name: str, at: datetime = T0) -> str:
    """Write an incident and return its id; a second time it is left as it is."""
    incident_id = identify("incident", name)
    if session.get(IncidentRow, incident_id) is None:
        row = IncidentRow(
            id=incident_id,
            rule="bank",
            place="bridge",
            point="bridge",
            camera="north",
            zone="bank",
            severity="high",
            state="new",
            occupied=True,
            unseen=False,
            version=1,
            people=1,
            members_total=1,
            members=[],
            opened_at=at,
            updated_at=at,
            last_seen_at=at,
            settings_version="test",
        )
        session.add(row)
        hold(session, [])[incident_id] = row
    return incident_id


def notice(number: str, version: int, **changed: object) -> dict[str, Any]:
    """Return a drill's notice as plain data."""
    message = Notice(
        number=number,
        version=version,
        mode="drill",
        confirmed_by=None,
        confirmed_at=None,
        change="opened",
        state="new",
        type="zone_entry",
        rule="bank",
        title="有人下到河边",
        severity="high",
        community="东升社区",
        place=NoticePlace(
            point="bridge",
            point_name="北桥",
            camera="north",
            camera_name="北桥 1 号",
            device_code="44200000001190000001",
            zone="bank",
            zone_name="河岸",
            longitude=113.39,
            latitude=22.52,
            datum="gcj02",
        ),
        people=1,
        still_there=True,
        opened_at=T0,
        updated_at=T0,
        cleared_at=None,
        duty_contact=None,
    )
    return message.model_dump(mode="json") | changed


def owe_notice(
    session: Session,
    receiver: str,
    incident: str = "a",
    version: int = 1,
    now: datetime = T0,
    **changed: object,
) -> str:
    """Owe version ``version`` of an incident to ``receiver`` and return the delivery's id."""
    incident_id = open_incident(session, incident)
    delivery_id = identify("notice", receiver, incident_id, version)
    outbox.enqueue(
        session,
        id=delivery_id,
        receiver=receiver,
        incident_id=incident_id,
        incident_version=version,
        kind="notice",
        payload=notice(incident_id, version, **changed),
        now=now,
        captured_at=now,
    )
    return delivery_id


def owe_speech(
    session: Session,
    speaker: str,
    incident: str = "a",
    *,
    now: datetime = T0,
    valid_s: float = 30,
    fallbacks: tuple[str, ...] = (),
    text: str = "请远离水边",
    voices: dict[str, Any] | None = None,
    priority: int = 60,
    speech_id: str = "",
) -> str:
    """Owe a speech to ``speaker`` and return its id."""
    incident_id = open_incident(session, incident)
    valid_until = now + timedelta(seconds=valid_s)
    speech = Speech(
        id=speech_id or identify("speech", incident_id, speaker),
        text=text,
        volume_pct=70,
        repeat=1,
        priority=priority,
        valid_until=valid_until,
    )
    outbox.enqueue(
        session,
        id=speech.id,
        receiver=speaker,
        incident_id=incident_id,
        incident_version=1,
        kind="speech",
        payload={
            "speech": speech.model_dump(mode="json"),
            "fallbacks": list(fallbacks),
            "voices": voices or {},
        },
        now=now,
        captured_at=now,
        valid_until=valid_until,
        priority=priority,
    )
    return speech.id


def owe_call(session: Session, speaker: str, name: str, *, now: datetime = T0, priority: int = 70) -> str:
    """Owe the words ``name`` of a person to ``speaker``, at no incident, and return the id of the speech."""
    call_id = identify("call", name)
    session.add(CallRow(id=call_id, kind="words", author="duty", at=now, text=name, speakers=[speaker]))
    session.flush()
    speech = Speech(
        id=identify("speech", call_id, speaker),
        text=name,
        volume_pct=70,
        repeat=1,
        priority=priority,
        valid_until=now + timedelta(seconds=60),
    )
    outbox.enqueue(
        session,
        id=speech.id,
        receiver=speaker,
        incident_id=None,
        call_id=call_id,
        incident_version=0,
        kind="speech",
        payload={"speech": speech.model_dump(mode="json"), "fallbacks": [], "voices": {}},
        now=now,
        captured_at=now,
        valid_until=speech.valid_until,
        priority=priority,
    )
    return speech.id


def row(store: Store, delivery_id: str) -> OutboxRow:
    """Return the row of a delivery as it is now."""
    with store.read() as session:
        return session.query(OutboxRow).filter_by(id=delivery_id).one()
