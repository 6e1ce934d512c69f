"""Records of the log, with what they say."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.pipeline.order import Event
from lianfang import codec
from lianfang.bus import Record, TopicPartition
from lianfang.errors import DecodeError
from lianfang.events import Canary

Read = tuple[Record, Event | Canary | str]
"""A record with its event, or why there is none."""


def decoded(entry: Record) -> Event | Canary | str:
    """Return the event of a record, or why it cannot be read."""
    try:
        return codec.decode_event(entry.value, entry.headers)
    except DecodeError as error:
        return str(error)


def events_of(read: Iterable[Read]) -> list[Event]:
    """Return what rules may hear of."""
    return [event for _, event in read if not isinstance(event, Canary | str)]


def place_of(entry: Record) -> TopicPartition:
    """Return the partition in which a record lies."""
    return TopicPartition(entry.position.topic, entry.position.partition)
