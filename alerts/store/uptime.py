"""When cameras gave pictures and what was wrong, when platforms were reached, and how far off clocks were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, String, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base, CameraStateRow
from alerts.store.types import BigInt, Text
from alerts.store.upsert import insert_into
from lianfang.events import BLINDING


class CameraChangeRow(Base):
    """A change of what a camera's stream said of it: what it is worth, or what is wrong with it."""

    __tablename__ = "camera_changes"
    __table_args__ = (Index("ix_camera_changes_camera", "camera", "since"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    camera: Mapped[str] = mapped_column(String(64))
    condition: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    faults: Mapped[str] = mapped_column(String(200), default="")  # with commas between them


_FAULTS = 200
_WRONG = or_(CameraChangeRow.condition != "online", CameraChangeRow.faults != "")


class LinkRow(Base):
    """A time for which a platform kept us registered, up to the last word that we were there."""

    __tablename__ = "platform_links"

    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class ClockRow(Base):
    """By how many seconds a platform's clock was ahead of ours."""

    __tablename__ = "platform_clocks"

    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    offset_s: Mapped[float]


def camera_changed(
    session: Session,
    camera: str,
    condition: str,
    since: datetime,
    reason: str = "",
    detail: str = "",
    faults: Sequence[str] = (),
) -> None:
    """Write down that a camera's stream says something else than before."""
    row = CameraChangeRow(camera=camera, condition=condition, since=since, reason=reason, detail=detail)
    row.faults = ",".join(faults)[:_FAULTS]
    session.add(row)


def last_faults(session: Session) -> dict[str, CameraChangeRow]:
    """Return, by camera, the newest word that something was wrong with it; none where nothing ever was."""
    newest = select(func.max(CameraChangeRow.seq)).where(_WRONG).group_by(CameraChangeRow.camera)
    rows = session.scalars(select(CameraChangeRow).where(CameraChangeRow.seq.in_(newest)))
    return {row.camera: row for row in rows}


def camera_history(session: Session, camera: str, limit: int) -> Sequence[CameraChangeRow]:
    """Return what a camera's stream said, newest first."""
    query = select(CameraChangeRow).where(CameraChangeRow.camera == camera)
    return session.scalars(query.order_by(CameraChangeRow.seq.desc()).limit(limit)).all()


def blinded(session: Session) -> set[str]:
    """Return the cameras that said last that their pictures do not show their scene."""
    rows = session.execute(select(CameraStateRow.camera, CameraStateRow.faults))
    return {row.camera for row in rows if not BLINDING.isdisjoint(row.faults)}


def linked(session: Session, receiver: str, since: datetime, until: datetime) -> None:
    """Write down that a platform has kept us registered from ``since`` until now."""
    insert = insert_into(session.get_bind().dialect.name, LinkRow)
    session.execute(
        insert.values(receiver=receiver, since=since, until=until).on_conflict_do_update(
            index_elements=["receiver", "since"], set_={"until": until}
        )
    )


def compared(session: Session, receiver: str, at: datetime, offset_s: float) -> None:
    """Write down by how much a platform's clock was ahead; a second word of the same moment is left."""
    insert = insert_into(session.get_bind().dialect.name, ClockRow)
    session.execute(
        insert.values(receiver=receiver, at=at, offset_s=offset_s).on_conflict_do_nothing(
            index_elements=["receiver", "at"]
        )
    )


def links(
    session: Session, receiver: str, begin: datetime, end: datetime
) -> Sequence[tuple[datetime, datetime]]:
    """Return the times of registration that overlap with those from ``begin`` to ``end``, in their order."""
    query = select(LinkRow).where(LinkRow.receiver == receiver, LinkRow.since < end, LinkRow.until > begin)
    return [(row.since, row.until) for row in session.scalars(query.order_by(LinkRow.since))]


def ever_linked(session: Session, receiver: str) -> bool:
    """Say whether anybody has ever written down that we were registered there."""
    return bool(session.scalar(select(func.count()).where(LinkRow.receiver == receiver)))


def offsets(session: Session, receiver: str, begin: datetime, end: datetime) -> Sequence[float]:
    """Return the seconds by which a clock was ahead from ``begin`` to before ``end``, in their order."""
    query = select(ClockRow.offset_s).where(ClockRow.receiver == receiver)
    return session.scalars(query.where(ClockRow.at >= begin, ClockRow.at < end).order_by(ClockRow.at)).all()


def camera_changes(
    session: Session, camera: str, begin: datetime, end: datetime
) -> Sequence[tuple[datetime, str]]:
    """Return (since, condition) of a camera: the last one up to ``begin``, and those until before ``end``."""
    mine = select(CameraChangeRow).where(CameraChangeRow.camera == camera)
    order = CameraChangeRow.since, CameraChangeRow.seq
    before = (
        mine.where(CameraChangeRow.since <= begin).order_by(*(column.desc() for column in order)).limit(1)
    )
    later = mine.where(CameraChangeRow.since > begin, CameraChangeRow.since < end).order_by(*order)
    rows = [*session.scalars(before), *session.scalars(later)]
    return [(row.since, row.condition) for row in rows]
