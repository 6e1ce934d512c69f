"""Events of a device, pulled from it (WS-BaseNotification, PullPoint)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.onvif.talk import Talk
from lianfang.clock import Clock
from lianfang.errors import LianfangError

TERM_S = 60.0
"""How long a device keeps a subscription that nobody renews."""
_AT_ONCE = 50  # messages of one answer
_PAUSE_S = 0.5
_LONGEST = 256  # characters of a topic, a name, a value


@dataclass(frozen=True, slots=True)
class Event:
    """What a device says has happened.

    ``topic`` is a path such as ``RuleEngine/CellMotionDetector/Motion``, without prefixes. ``at`` is what the
    device's own clock said, None for nothing. ``first`` marks the state at the beginning, which is no
    change. ``source`` and ``data`` are named values.
    """

    topic: str
    at: datetime | None
    first: bool
    source: Mapping[str, str]
    data: Mapping[str, str]


class Subscription:
    """Events that wait at a device. ``pull`` and it goes on; it is renewed on the way."""

    def __init__(self, talk: Talk, address: str, wait_s: float, clock: Clock) -> None:
        self._talk, self._address, self._wait_s, self._clock = talk, address, wait_s, clock
        self._renewed_s = clock.monotonic()

    async def pull(self) -> list[Event]:
        """Return what has happened; after a while without anything, nothing. TransientError if it is over.

        A message that cannot be read is left out.
        """
        if self._clock.monotonic() - self._renewed_s > TERM_S / 2:
            await self._talk.at("subscription", self._address, "Renew", TerminationTime=f"PT{TERM_S:.0f}S")
            self._renewed_s = self._clock.monotonic()
        asked_s = self._clock.monotonic()
        answer = await self._talk.at(
            "pullpoint",
            self._address,
            "PullMessages",
            longer_s=self._wait_s,
            Timeout=timedelta(seconds=self._wait_s),
            MessageLimit=_AT_ONCE,
        )
        found = getattr(answer, "NotificationMessage", None) or ()
        if not found and self._clock.monotonic() - asked_s < _PAUSE_S:
            # Some devices do not wait: they would be asked without end.
            await asyncio.sleep(min(_PAUSE_S, self._wait_s))
        return [event for event in map(_event, found[:_AT_ONCE]) if event is not None]

    async def close(self) -> None:
        """Tell the device that nobody pulls any more; it may be gone."""
        try:
            await self._talk.at("subscription", self._address, "Unsubscribe")
        except LianfangError:
            return  # it forgets by itself


def _event(message: Any) -> Event | None:  # noqa: ANN401 - of the library
    try:
        topic = _text(message.Topic._value_1)  # noqa: SLF001 - so the library calls the text
        said = message.Message._value_1  # noqa: SLF001
        return Event(
            "/".join(step.rpartition(":")[2] for step in topic.split("/")),
            said.UtcTime if isinstance(said.UtcTime, datetime) and said.UtcTime.tzinfo else None,
            said.PropertyOperation == "Initialized",
            _named(said.Source),
            _named(said.Data),
        )
    except (AttributeError, TypeError, ValueError):
        return None


def _named(items: Any) -> dict[str, str]:  # noqa: ANN401 - of the library
    listed: Iterable[Any] = getattr(items, "SimpleItem", None) or ()
    return {_text(item.Name): _text(item.Value) for item in listed}


def _text(value: object) -> str:
    text = str(value if value is not None else "").strip()
    if len(text) > _LONGEST:
        raise ValueError("a text that is too long")
    return text
