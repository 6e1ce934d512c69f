"""What people find out on the spot: whether they are seen there, and whether a speaker is heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, String, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import BigInt, Text


class WalkTestRow(Base):
    """Somebody walks into a zone of a camera, and this is what the system saw of it.

    ``id`` is also that of the word that keeps it from being told. Heights are pixels of the pictures that
    detectors looked at.
    """

    __tablename__ = "walk_tests"
    __table_args__ = (Index("ix_walk_tests_zone", "camera", "zone", "started_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    camera: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(64))
    point: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(64))
    distance_m: Mapped[float]  # from the camera, as they say
    accuracy_m: Mapped[float | None]  # where a phone measured it
    light: Mapped[str] = mapped_column(String(16))  # alerts.walks.Light
    note: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    until: Mapped[datetime]  # it ends by itself
    ended_at: Mapped[datetime | None]  # somebody said so
    counts: Mapped[bool] = mapped_column(default=True)  # False: broken off
    pictures: Mapped[int] = mapped_column(default=0)  # that detectors looked at
    seen: Mapped[int] = mapped_column(default=0)  # of them those with somebody in the zone
    most: Mapped[int] = mapped_column(default=0)  # people in the zone at a time
    seen_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    height_px: Mapped[int | None]  # of the tallest there, in the last such picture …
    heights_px: Mapped[int] = mapped_column(default=0)  # … and the sum over all of them
    confidence: Mapped[float] = mapped_column(default=0.0)  # the best
    alert_at: Mapped[datetime | None]  # when a rule counted somebody there
    rule: Mapped[str] = mapped_column(String(64), default="")  # which
    held: Mapped[str] = mapped_column(String(32), default="")  # alerts.suppression.reasons: why it would not


class AudibilityRow(Base):
    """Somebody stood there while a speaker spoke, and said how it was heard."""

    __tablename__ = "audibility_tests"
    __table_args__ = (Index("ix_audibility_tests_speaker", "speaker", "at"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    speaker: Mapped[str] = mapped_column(String(64))
    camera: Mapped[str] = mapped_column(String(64), default="")  # with the next one: the zone they stood in
    zone: Mapped[str] = mapped_column(String(64), default="")
    distance_m: Mapped[float]  # from the speaker
    heard: Mapped[str] = mapped_column(String(16))  # clearly | hardly | not
    volume_pct: Mapped[int | None]  # how loud it was asked to be
    call: Mapped[str] = mapped_column(
        String(36), default=""
    )  # what was said, "" where they know it otherwise
    note: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


def running(session: Session, point: str, now: datetime) -> WalkTestRow | None:
    """Return the walk test that goes on at a point, None where none does."""
    query = select(WalkTestRow).where(WalkTestRow.point == point, WalkTestRow.ended_at.is_(None))
    return session.scalars(query.where(WalkTestRow.until > now).limit(1)).first()


def walks(session: Session, camera: str, zone: str, limit: int) -> Sequence[WalkTestRow]:
    """Return walk tests, the newest first, of a camera and a zone where they are given."""
    query = select(WalkTestRow).order_by(WalkTestRow.started_at.desc(), WalkTestRow.id)
    query = query.where(*([WalkTestRow.camera == camera] if camera else []))
    return session.scalars(query.where(*([WalkTestRow.zone == zone] if zone else [])).limit(limit)).all()


def newest_walks(session: Session, now: datetime) -> Sequence[WalkTestRow]:
    """Return of each zone and distance the newest walk test that is over and says anything."""
    row = WalkTestRow
    said = (row.counts, row.pictures > 0, or_(row.ended_at.is_not(None), row.until <= now))
    newest = (
        select(row.camera, row.zone, row.distance_m, func.max(row.started_at).label("at"))
        .where(*said)
        .group_by(row.camera, row.zone, row.distance_m)
        .subquery()
    )
    there = (row.camera == newest.c.camera) & (row.zone == newest.c.zone)
    same = there & (row.distance_m == newest.c.distance_m) & (row.started_at == newest.c.at)
    return session.scalars(select(row).join(newest, same).where(*said)).all()


def heard(session: Session, speaker: str, limit: int) -> Sequence[AudibilityRow]:
    """Return what people said of speakers, the newest first, of one where it is given."""
    query = select(AudibilityRow).order_by(AudibilityRow.seq.desc())
    query = query.where(*([AudibilityRow.speaker == speaker] if speaker else []))
    return session.scalars(query.limit(limit)).all()


def newest_heard(session: Session) -> Sequence[AudibilityRow]:
    """Return of each speaker, distance and zone what was said last."""
    keys = (AudibilityRow.speaker, AudibilityRow.camera, AudibilityRow.zone, AudibilityRow.distance_m)
    newest = select(func.max(AudibilityRow.seq)).group_by(*keys)
    return session.scalars(select(AudibilityRow).where(AudibilityRow.seq.in_(newest))).all()
