"""The seam between what a receiver is told and those who subscribe to it there: a stanza and a channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

from alerts.channels.base import Picture
from alerts.payload import Notice
from lianfang.config import Config


class Operation(IntEnum):
    """What became of something that was subscribed to."""

    ADD = 1
    CHANGE = 2
    DELETE = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """What a notice is about: the number by which one subscribes to each kind of object, and where it was."""

    kinds: Mapping[str, int]
    resources: frozenset[str]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be subscribed to: kinds of objects by number, and codes; one of them means everything."""

    kinds: Mapping[int, str]
    resources: frozenset[str]
    everything: str


@dataclass(frozen=True, slots=True)
class Item:
    """One incident in a message; ``since`` is when links to its pictures begin to count."""

    notice: Notice
    pictures: Sequence[Picture]
    since: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a camera or a tollgate: the number of its kind, its code, and its body as JSON."""

    kind: str
    number: int
    code: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """For whom a message is: number and title of the subscription, and the address that it named."""

    number: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted, and the id by which it is known however often that happens."""

    id: str
    body: bytes


@runtime_checkable
class Published(Protocol):
    """The stanza of a receiver at which others subscribe."""

    def offer(self, config: Config) -> Offer:
        """Return what can be subscribed to."""
        ...

    def topic(self, notice: Notice) -> Topic | None:
        """Return what a notice is about; None for what nobody else is told."""
        ...


class Publisher(Protocol):
    """Tells subscribers. ``most`` incidents and ``most_bytes`` are in one message at most."""

    @property
    def most(self) -> int:
        """Incidents in one message at most."""
        ...

    @property
    def most_bytes(self) -> int:
        """Size of one message at most."""
        ...

    def message(self, to: Subscribed, kind: str, operation: Operation, items: Sequence[Item]) -> Message:
        """Return the message about ``items``; its id follows from the first of them. Runs in a thread."""
        ...

    def records(self) -> Sequence[Record]:
        """Return those that are complete. Runs in a thread; TransientError while nobody knows."""
        ...

    def telling(
        self, to: Subscribed, operation: Operation, records: Sequence[Record], at: datetime
    ) -> Message:
        """Return the message of ``at`` about records of one kind."""
        ...

    async def publish(self, to: Subscribed, message: Message) -> None:
        """Post it; TransientError and PermanentError as of a channel."""
        ...


@runtime_checkable
class Publishing(Protocol):
    """The channel of such a receiver."""

    @property
    def publisher(self) -> Publisher:
        """What tells its subscribers."""
        ...
