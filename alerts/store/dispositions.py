"""Dispositions (布控) in the store: every word of a platform is a row, and none is changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Index, Row, Select, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.dispositions import NO_DISPOSITIONS, Disposition, Dispositions, Word
from alerts.store.alone import alone
from alerts.store.schema import Base
from alerts.store.switches import LEAD
from alerts.store.types import Text
from lianfang.plates import lookalikes

_Said = Literal["set", "revoked", "deleted"]
_MOMENT = timedelta(microseconds=1)


class DispositionRow(Base):
    """What was said last about a number, until the next row of that number. No name of a person is kept."""

    __tablename__ = "dispositions"
    __table_args__ = (
        Index("ix_dispositions_number", "receiver", "number", "revision"),
        Index("ix_dispositions_end", "end_at"),
    )

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    receiver: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(33))
    word: Mapped[str] = mapped_column(String(16))  # set | revoked | deleted
    since: Mapped[datetime]  # a moment after it was received
    plate: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    organisation: Mapped[str] = mapped_column(Text)
    priority: Mapped[int]
    tollgates: Mapped[list[str]]  # codes; none means everywhere
    begin_at: Mapped[datetime]
    end_at: Mapped[datetime]  # before this time
    address: Mapped[str] = mapped_column(Text)

    def wanted(self) -> Wanted:
        """Return what is asked for."""
        return Wanted(**{key: getattr(self, key) for key in Wanted.__slots__})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a disposition asks for: a plate, from ``begin_at`` until before ``end_at``."""

    plate: str
    title: str
    reason: str
    organisation: str
    priority: int
    tollgates: list[str]
    begin_at: datetime
    end_at: datetime
    address: str


def put(session: Session, receiver: str, number: str, wanted: Wanted, now: datetime) -> None:
    """Want it from a moment after ``now`` on, and no longer what was wanted; twice the same is as once."""
    last = _last(session, receiver, number)
    if last is None or last.word != "set" or last.wanted() != wanted:
        _say(session, receiver, number, "set", wanted, last, now)


def end(
    session: Session, receiver: str, number: str, word: Literal["revoked", "deleted"], now: datetime
) -> bool:
    """Let it be over a moment after ``now``; return False where there is none."""
    last = _last(session, receiver, number)
    if last is None or last.word == "deleted":
        return False
    if last.word != word:
        _say(session, receiver, number, word, last.wanted(), last, now)
    return True


def is_kept(session: Session, receiver: str, number: str) -> bool:
    """Say whether there is one, revoked or not."""
    last = _last(session, receiver, number)
    return last is not None and last.word != "deleted"


def kept(session: Session, receiver: str) -> Sequence[DispositionRow]:
    """Return the last word about each that was not deleted."""
    query = select(DispositionRow).where(_last_words(receiver), DispositionRow.word != "deleted")
    return session.scalars(query.order_by(DispositionRow.revision)).all()


def are_as_many(session: Session, receiver: str, most: int, now: datetime) -> bool:
    """Say whether ``most`` of a receiver are neither revoked nor over, or more."""
    if newest(session) < most:
        return False  # most of the time: counting them takes longer than anything else here
    query = select(func.count()).where(
        _last_words(receiver), DispositionRow.word == "set", DispositionRow.end_at > now
    )
    counted = session.scalar(query) or 0
    return counted >= most


def newest(session: Session) -> int:
    """Return the revision of the table: it grows with every word."""
    return session.scalar(select(func.max(DispositionRow.revision))) or 0


def load(session: Session, since: datetime | None = None) -> Dispositions:
    """Return those that stood at ``since`` or later, or all, each for as long as it did."""
    query = _words()
    if since is not None:  # with every word about them: a later one may have an earlier end
        recent = select(DispositionRow.number).where(DispositionRow.end_at > since)
        query = query.where(DispositionRow.number.in_(recent))
    revision = newest(session)
    return replace(NO_DISPOSITIONS.after(map(_word, session.execute(query)), revision), loaded=revision)


def more(session: Session, known: Dispositions) -> Dispositions:
    """Return ``known`` after what was said since; it costs no more than that."""
    rows = session.execute(_words().where(DispositionRow.revision > known.revision)).all()
    return known.after(map(_word, rows), rows[-1].revision) if rows else known


def about(session: Session, receiver: str, plate: str) -> Dispositions:
    """Return those of a receiver that may be about a plate, whenever they stood."""
    looked_for = select(DispositionRow.number).where(
        DispositionRow.receiver == receiver, DispositionRow.plate.in_(lookalikes(plate))
    )
    query = _words().where(DispositionRow.receiver == receiver, DispositionRow.number.in_(looked_for))
    return NO_DISPOSITIONS.after(map(_word, session.execute(query)), 0)


def _last_words(receiver: str) -> ColumnElement[bool]:
    newest = select(func.max(DispositionRow.revision)).where(DispositionRow.receiver == receiver)
    return DispositionRow.revision.in_(newest.group_by(DispositionRow.number))


def _words() -> Select[Any]:
    # Columns and not rows of the mapper: there may be many thousands.
    return select(*DispositionRow.__table__.columns).order_by(DispositionRow.revision)


def _word(row: Row[Any]) -> Word:
    """Return a row as those who decide know it."""
    wanted = Disposition(
        row.receiver,
        row.number,
        row.plate,
        max(row.since, row.begin_at),
        row.end_at,
        frozenset(row.tollgates),
        row.title,
        row.reason,
        row.priority,
        row.address,
    )
    return Word(row.receiver, row.number, row.since, wanted if row.word == "set" else None)


def _last(session: Session, receiver: str, number: str) -> DispositionRow | None:
    alone(session, "dispositions")
    query = select(DispositionRow).where(DispositionRow.receiver == receiver, DispositionRow.number == number)
    return session.scalar(query.order_by(DispositionRow.revision.desc()).limit(1))


def _say(
    session: Session,
    receiver: str,
    number: str,
    word: _Said,
    wanted: Wanted,
    last: DispositionRow | None,
    now: datetime,
) -> None:
    since = now + LEAD if last is None else max(now + LEAD, last.since + _MOMENT)
    told = asdict(wanted)
    row = DispositionRow(
        revision=newest(session) + 1, receiver=receiver, number=number, word=word, since=since, **told
    )
    session.add(row)
    session.flush()
