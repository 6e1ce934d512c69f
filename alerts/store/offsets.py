"""Where the alert service stands in the log: in the same transaction as what it decided."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alerts.store.schema import OffsetRow
from lianfang.bus import TopicPartition
from lianfang.errors import LianfangError


class LostPartition(LianfangError):  # noqa: N818 - reads as the fact it states
    """Another worker owns the partition now: what this one decided must not be written."""


def load(session: Session, partition: TopicPartition) -> int | None:
    """Return the next offset to read, None before the first."""
    return session.scalar(select(OffsetRow.next_offset).where(_is(partition)))


def standing_still(session: Session, topic: str, since: datetime) -> list[int]:
    """Return the partitions of which nothing was read since then, by the database's time."""
    query = select(OffsetRow.partition).where(OffsetRow.topic == topic, OffsetRow.moved_at < since)
    return sorted(session.scalars(query))


def take(session: Session, partition: TopicPartition) -> int:
    """Become the owner of the partition; return the generation that every later ``advance`` has to name.

    The number is kept here, beside what it guards, and grows with every owner. The bus has numbers of its
    own, but they begin anew with a new broker or a group that was forgotten, and would lock us out.
    """
    session.execute(update(OffsetRow).where(_is(partition)).values(generation=OffsetRow.generation + 1))
    generation = session.scalar(select(OffsetRow.generation).where(_is(partition)))
    return 1 if generation is None else generation


def advance(
    session: Session, partition: TopicPartition, generation: int, expected: int | None, next_offset: int
) -> None:
    """Move the offset from ``expected`` to ``next_offset`` by compare-and-set; LostPartition otherwise."""
    if expected is None:
        _insert(session, partition, generation, next_offset)
        return
    moved = cast(
        "CursorResult[Any]",
        session.execute(
            update(OffsetRow)
            .where(_is(partition), OffsetRow.generation == generation, OffsetRow.next_offset == expected)
            .values(next_offset=next_offset, moved_at=func.now())
        ),
    )
    if moved.rowcount != 1:
        raise LostPartition(f"{partition.topic}/{partition.partition} is no longer at {expected}")


def touch(session: Session, partitions: Collection[TopicPartition]) -> None:
    """Write something, if there are offsets: whoever can do that can write what is decided."""
    for partition in partitions:
        session.execute(update(OffsetRow).where(_is(partition)).values(moved_at=OffsetRow.moved_at))


def _insert(session: Session, partition: TopicPartition, generation: int, next_offset: int) -> None:
    row = OffsetRow(
        topic=partition.topic,
        partition=partition.partition,
        generation=generation,
        next_offset=next_offset,
        moved_at=func.now(),
    )
    session.add(row)
    try:
        session.flush()  # a second worker's first row breaks the primary key here
    except IntegrityError as error:
        raise LostPartition(f"{partition.topic}/{partition.partition} has been begun") from error


def _is(partition: TopicPartition) -> ColumnElement[bool]:
    return and_(OffsetRow.topic == partition.topic, OffsetRow.partition == partition.partition)
