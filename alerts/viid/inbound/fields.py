"""Fields of what platforms keep with us: numbers that may come as texts, local times, words for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

_TIME = "%Y%m%d%H%M%S"
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # later than that no zone could say
_FIRST_YEAR = 1970


def _number(value: object) -> object:
    """Return an integer where it came as a text: platforms do both."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _moment(text: str) -> str:
    if datetime.strptime(text, _TIME).year < _FIRST_YEAR:  # noqa: DTZ007 - local, as the standard has it
        raise ValueError(f"a time since {_FIRST_YEAR}")
    return text


def _words(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


AsNumber = BeforeValidator(_number)
"""A number, or a text of digits."""
BusinessId = Annotated[str, Field(pattern=r"^[0-9A-Z]{12}[0-9]{21}$")]
"""Organisation 12 + kind 2 + time 14 + number 5."""
Moment = Annotated[str, Field(pattern=r"^[0-9]{14}$"), AfterValidator(_moment)]
"""yyyyMMddHHmmss, in the zone of the receiver."""
Words = Annotated[str, Field(max_length=1024), AfterValidator(_words)]
"""Words for people, perhaps none; in one line, without what cannot be seen."""
SomeWords = Annotated[Words, Field(pattern=r"\S")]
"""The same, and some."""


def utc(moment: str, zone: ZoneInfo) -> datetime:
    """Return a ``Moment`` of ``zone``; whoever says the year 9999 means that it has no end."""
    local = datetime.strptime(moment, _TIME).replace(tzinfo=zone)
    return _NEVER if local.year >= _NEVER.year else local.astimezone(UTC)


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Return a time as the platform has it."""
    return moment.astimezone(zone).strftime(_TIME)
