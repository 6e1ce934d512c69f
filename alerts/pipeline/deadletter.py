"""Records of the bus that nobody can read, kept whole for people to look at."""

from __future__ import annotations

from datetime import datetime

from alerts.store.schema import DeadRecordRow
from lianfang.bus import Record
from lianfang.ids import identify


def dead(entry: Record, reason: str, at: datetime) -> DeadRecordRow:
    """Return the row that keeps ``entry``; the same record is the same row."""
    position = entry.position
    return DeadRecordRow(
        id=identify("dead", position.topic, position.partition, position.offset),
        topic=position.topic,
        partition=position.partition,
        offset=position.offset,
        key=entry.key,
        headers=dict(entry.headers),
        value=entry.value,
        reason=reason,
        at=at,
    )
