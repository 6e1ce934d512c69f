"""What rules have counted for longer than the log is read back, kept with the offset that it is true for."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from alerts.store.schema import CheckpointRow
from lianfang.bus import TopicPartition

Checkpoint = tuple[int, dict[str, Any]]
"""(offset of the first record that is not counted, states)"""


def load(session: Session, partition: TopicPartition) -> Checkpoint | None:
    """Return what is kept for a partition, None where there is none."""
    row = session.get(CheckpointRow, (partition.topic, partition.partition))
    return None if row is None else (row.next_offset, row.states)


def save(session: Session, partition: TopicPartition, next_offset: int, states: dict[str, Any]) -> None:
    """Keep ``states``, which count every record before ``next_offset`` and no other."""
    session.merge(
        CheckpointRow(
            topic=partition.topic, partition=partition.partition, next_offset=next_offset, states=states
        )
    )
