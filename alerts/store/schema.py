"""The tables of the store. Migrations are in ``alerts/store/migrations``; a test holds the two together."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from alerts.store.types import BigInt, Text, UTCDateTime


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar = {
        datetime: UTCDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
        list[float]: JSON,
        list[int]: JSON,
    }


@event.listens_for(Base, "init", propagate=True)
def _give_defaults(target: Base, _args: Any, values: dict[str, Any]) -> None:  # noqa: ANN401
    """Give what was not given its default at once: a row is read before it is written, too."""
    for column in target.__table__.columns:
        default: Any = column.default
        if default is not None and column.key not in values and not default.is_sequence:
            values[column.key] = default.arg(None) if default.is_callable else default.arg


class IncidentRow(Base):
    """One incident: a condition at a place, from its first sight until nobody has to do with it any more."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index("ix_incidents_holder", "rule", "place", "ended_at"),
        Index("ix_incidents_opened", "opened_at", "id"),
        Index("ix_incidents_next", "next_at"),
        Index("ix_incidents_late", "late_at"),
        Index("ix_incidents_state", "state", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    rule: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(64))
    point: Mapped[str] = mapped_column(String(64))
    camera: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(64))
    severity: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))  # alerts.incidents.model.State
    occupied: Mapped[bool]  # somebody is still there, as far as fresh observations say
    unseen: Mapped[bool]  # a camera that saw somebody there gives no picture: unknown, not cleared
    version: Mapped[int]  # grows with every change; receivers drop lower ones
    people: Mapped[int]  # the most members seen at the same time
    members_total: Mapped[int]  # distinct members so far
    members: Mapped[list[dict[str, Any]]]  # alerts.incidents.model.Member, the open tracks
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]  # captured_at of the last observation with a member
    cleared_at: Mapped[datetime | None]  # the place was seen empty
    ended_at: Mapped[datetime | None]  # stayed empty: from now on a sighting opens a new incident
    subject: Mapped[str] = mapped_column(String(64), default="")  # tells incidents at one place apart
    review: Mapped[bool] = mapped_column(default=False)  # a guess: nobody else hears of it unconfirmed
    spoken: Mapped[int] = mapped_column(default=0)  # how often it was said there
    spoken_at: Mapped[datetime | None]  # captured_at of the observation that it was last said for
    escalated_at: Mapped[datetime | None]  # since when speaking alone is not enough
    muted: Mapped[str] = mapped_column(String(32), default="")  # Reason why nobody hears of it
    muted_by: Mapped[str] = mapped_column(String(36), default="")  # the suppression that says so
    silent: Mapped[str] = mapped_column(String(32), default="")  # Reason why it was not said at last
    silent_at: Mapped[datetime | None]  # captured_at of the observation for which it was not
    late_at: Mapped[datetime | None]  # when it was recorded as late, until that is told or it is heard
    hushed_at: Mapped[datetime | None]  # since when an operator wants nothing more said of it
    confirmed_by: Mapped[str | None] = mapped_column(String(64))  # who let it go to live receivers
    confirmed_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)  # by camera or sensor and name, the newest
    assignee: Mapped[str | None] = mapped_column(String(64))  # an operator, or a cell of the grid
    state_since: Mapped[datetime | None]  # when it came into its state, by the wall's clock
    alarmed_at: Mapped[datetime | None]  # since when people have been needed
    overdue: Mapped[bool] = mapped_column(default=False)  # not done in time what its state asks for
    next_at: Mapped[datetime | None]  # when its limits are to be looked at next
    # Numbers of the tiers that it has come to; those that are due wait for a person to press.
    tiers_reached: Mapped[list[int]] = mapped_column(default=list)
    tiers_due: Mapped[list[int]] = mapped_column(default=list)
    rung_at: Mapped[datetime | None]  # when somebody was last called because nobody answered
    rings: Mapped[int] = mapped_column(default=0)  # how many were, since it has been waiting
    settings_version: Mapped[str] = mapped_column(String(64))  # the configuration that decided


class ChangeRow(Base):
    """One change of an incident: its timeline, and the stream that consoles follow by ``seq``."""

    __tablename__ = "changes"
    __table_args__ = (UniqueConstraint("incident_id", "version"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))  # alerts.incidents.model.ChangeKind
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))  # an operator's id, or "system"
    data: Mapped[dict[str, Any]]


class EvidenceRow(Base):
    """A picture that an incident rests on. ``missing`` is said, never hidden."""

    __tablename__ = "evidence"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))  # pending | kept | missing
    reason: Mapped[str] = mapped_column(Text, default="")
    camera: Mapped[str] = mapped_column(String(64))
    captured_at: Mapped[datetime]
    reference: Mapped[dict[str, Any]]  # lianfang.events.FrameReference
    boxes: Mapped[list[dict[str, Any]]]  # what is drawn on the copy: xyxyn, label, confidence, track_id
    zone: Mapped[str] = mapped_column(String(64))
    original: Mapped[str] = mapped_column(Text, default="")  # path below the evidence folder
    annotated: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of the original
    decided_at: Mapped[datetime]


class OutboxRow(Base):
    """Something owed to a receiver. Only the head of a (receiver, incident) key may be sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "state", "receiver", "due_at"),
        Index("ix_outbox_key", "receiver", "incident_id", "seq"),
        Index("ix_outbox_said", "receiver", "captured_at"),
        Index("ix_outbox_kind", "kind", "captured_at"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)  # the webhook id, or the speaker's command id
    receiver: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("calls.id"), index=True)  # or what a person says
    incident_version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))  # speech | notice
    payload: Mapped[dict[str, Any]]  # alerts.payload.Speech or .Notice, without pictures
    state: Mapped[str] = mapped_column(String(16))  # pending | delivered | dead | expired | stopped
    created_at: Mapped[datetime]
    captured_at: Mapped[datetime]  # of the observation that decided, for the latency
    owed_since: Mapped[datetime | None]  # when a person wanted it to be sent again
    due_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]  # a command is never sent after it
    priority: Mapped[int] = mapped_column(default=0)  # 0-100; of two speeches
    stop: Mapped[str] = mapped_column(String(16), default="")  # why to break it off
    attempts: Mapped[int] = mapped_column(default=0)
    # Attempts that may have reached the receiver: from the first one on it is told the same.
    unsure: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str] = mapped_column(String(64), default="")
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(String(32), default="")  # the receiver's own word
    finished_at: Mapped[datetime | None]

    @property
    def about(self) -> str:
        """What it is about: an incident, or a call."""
        return self.incident_id or self.call_id or ""


class SuppressionRow(Base):
    """What a person said is to be held back. Rows are lifted, never deleted: replays ask for the past."""

    __tablename__ = "suppressions"
    __table_args__ = (Index("ix_suppressions_revision", "revision"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    revision: Mapped[int]  # of the whole table, as of the last thing that a person did to this row
    kind: Mapped[str] = mapped_column(String(16))  # alerts.suppression.said.Kind
    rules: Mapped[list[str]]
    camera: Mapped[str] = mapped_column(String(64), default="")
    point: Mapped[str] = mapped_column(String(64), default="")
    place: Mapped[str] = mapped_column(String(64), default="")
    zone: Mapped[str] = mapped_column(String(64), default="")
    receiver: Mapped[str] = mapped_column(String(64), default="")
    label: Mapped[str] = mapped_column(String(64), default="")
    xyxyn: Mapped[list[float] | None]
    heads: Mapped[int | None]
    hours: Mapped[dict[str, Any] | None]  # alerts.schedule.Schedule
    task_after_s: Mapped[int | None]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    author: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(String(64), default="")
    lifted_why: Mapped[str] = mapped_column(Text, default="")  # of a trial: why it was signed off …
    figure: Mapped[dict[str, Any] | None]  # … and its alerts.reports.trials.Figure then
    incident_id: Mapped[str] = mapped_column(String(36), default="")  # that it was said at, "" for none
    held: Mapped[int] = mapped_column(default=0)  # how often something began to be held back by it
    last_held_at: Mapped[datetime | None]


class OffsetRow(Base):
    """The next record to read of a partition; it advances by compare-and-set."""

    __tablename__ = "offsets"

    topic: Mapped[str] = mapped_column(String(64), primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    generation: Mapped[int]
    next_offset: Mapped[int] = mapped_column(BigInt)
    moved_at: Mapped[datetime | None]  # by the database's own clock


class CheckpointRow(Base):
    """What rules count of a partition for longer than the log is read back, true for ``next_offset``."""

    __tablename__ = "checkpoints"

    topic: Mapped[str] = mapped_column(String(64), primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next_offset: Mapped[int] = mapped_column(BigInteger)
    states: Mapped[dict[str, Any]]  # by source and rule, as alerts.pipeline.lasting writes them


class CameraStateRow(Base):
    """What a camera said last that it is worth, in the words of `lianfang.events.CameraState`."""

    __tablename__ = "camera_states"

    camera: Mapped[str] = mapped_column(String(64), primary_key=True)
    condition: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    faults: Mapped[list[str]] = mapped_column(default=list)
    clocks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # by `alerts.camera_clocks`


class ReceiverStateRow(Base):
    """A receiver that asked never to be called again (HTTP 410), until a person enables it."""

    __tablename__ = "receiver_states"

    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)
    disabled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class VersionRow(Base):
    """What people changed of the configuration, up to the next version. It is never changed or deleted."""

    __tablename__ = "versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    changes: Mapped[dict[str, Any]]  # lianfang.config.changes.Changes


class SpeakerRow(Base):
    """A speaker: how it is as far as anybody knows, and for which row of the outbox somebody has the word."""

    __tablename__ = "speakers"

    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)
    health: Mapped[str] = mapped_column(String(16))  # alerts.store.speakers.Health
    since: Mapped[datetime]
    heard_at: Mapped[datetime | None]  # when it was last asked, or not reached
    detail: Mapped[str] = mapped_column(Text, default="")
    lease_owner: Mapped[str] = mapped_column(String(64), default="")
    lease_until: Mapped[datetime | None]
    seq: Mapped[int | None] = mapped_column(BigInt)


class DeadRecordRow(Base):
    """A record of the bus that could not be read, kept whole."""

    __tablename__ = "dead_records"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigInt)
    key: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, Any]]
    value: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
