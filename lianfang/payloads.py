"""What a sensor's message says, as its ``Payload`` reads it. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from lianfang.clock import read_time
from lianfang.config.payload import WORDS, Payload, Pointer

LONGEST = 256 * 1024
"""Bytes of a message; what is longer is none of a sensor."""
_MILLISECONDS = 1e11  # seconds since 1970 do not come so far before the year 5138
_EARLIEST, _LATEST = 0.0, 4e9  # seconds since 1970: until 2096
_ID, _ATTRIBUTE = 128, 200  # characters
_SHOWN = 60  # characters of what was found, in an error
_NOTHING = object()


class BadPayload(ValueError):  # noqa: N818 - reads as the fact it states
    """A message that says no reading: the place in it, what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a message says. ``unit`` is None where it names none, ``id`` "" where it has none."""

    value: float
    unit: str | None = None
    device_time: datetime | None = None
    id: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def parsed(raw: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return the message as JSON, or as the text that it is; BadPayload for neither."""
    if len(raw) > LONGEST:
        raise BadPayload(f"found {len(raw)} bytes; allowed: {LONGEST}")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadPayload("found bytes that are no UTF-8; allowed: JSON, a number or a word") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if text and text[0] not in '{["' and len(text) <= _SHOWN:
            return text
        raise BadPayload(f"found {_shown(text)}, which is no JSON ({error}); allowed: JSON") from None


def is_of(payload: Payload, data: Any) -> bool:  # noqa: ANN401
    """Say whether ``data`` is a message of the sensor that ``payload`` is about."""
    return all(_text(_at(data, pointer)) == text for pointer, text in payload.match.items())


def measured(payload: Payload, data: Any, zone: tzinfo) -> Measured:  # noqa: ANN401
    """Return what ``data``, from ``parsed``, says; times without an offset are of ``zone``. BadPayload."""
    attributes = {name: _text(_at(data, place)) for name, place in payload.attributes.items()}
    number = None if payload.id is None else _text(_found(data, payload.id, "an id"))
    if number is not None and len(number) > _ID:
        raise BadPayload(f"{payload.id}: found {_shown(number)}; allowed: an id of {_ID} characters at most")
    return Measured(
        value=_value(payload, data),
        unit=None if payload.unit is None else _text(_found(data, payload.unit, "a unit"))[:20],
        device_time=None if payload.time is None else _time(data, payload.time, zone),
        id=number or "",
        attributes={name: text[:_ATTRIBUTE] for name, text in attributes.items() if text},
    )


def at_place(data: Any, pointer: Pointer) -> Any:  # noqa: ANN401
    """Return what stands at a place of ``data``, None for nothing."""
    found = _at(data, pointer)
    return None if found is _NOTHING else found


def _value(payload: Payload, data: Any) -> float:  # noqa: ANN401
    if payload.constant is not None:
        return payload.constant
    found = _found(data, payload.value, "a value")
    words = WORDS if payload.words is None else payload.words
    named = {word.casefold(): value for word, value in words.items()}
    if isinstance(found, bool | str) and (word := str(found).strip().casefold()) in named:
        return named[word]
    if isinstance(found, bool):
        return float(found)
    try:
        number = float(found) if isinstance(found, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    value = number * payload.factor + payload.offset
    if not math.isfinite(value):
        allowed = f"a number, true, false, or one of {', '.join(words) or 'no words'}"
        raise BadPayload(f"{payload.value or 'the message'}: found {_shown(found)}; allowed: {allowed}")
    return value


def _time(data: Any, pointer: Pointer, zone: tzinfo) -> datetime:  # noqa: ANN401
    found = _found(data, pointer, "a time")
    try:
        seconds = float(found) if not isinstance(found, bool) else math.nan
    except (TypeError, ValueError):
        try:
            return read_time(str(found).strip(), zone).astimezone(UTC)
        except (ValueError, OverflowError):
            seconds = math.nan
    seconds = seconds / 1000 if seconds >= _MILLISECONDS else seconds
    if not _EARLIEST <= seconds <= _LATEST:
        allowed = "a time such as 2026-07-01T18:00:00, or seconds or milliseconds since 1970"
        raise BadPayload(f"{pointer}: found {_shown(found)}; allowed: {allowed}")
    return datetime.fromtimestamp(seconds, UTC)


def _found(data: Any, pointer: Pointer, what: str) -> Any:  # noqa: ANN401
    found = _at(data, pointer)
    if found is _NOTHING or found is None:
        raise BadPayload(f"{pointer or 'the message'}: found nothing; allowed: {what}{_there(data)}")
    return found


def _at(data: Any, pointer: Pointer) -> Any:  # noqa: ANN401
    """Return what stands at a JSON pointer (RFC 6901), _NOTHING where there is no such place."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and key.isascii() and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        else:
            return _NOTHING
    return data


def _text(found: Any) -> str:  # noqa: ANN401
    """Return a word, a number or a truth as a line of text, "" for anything else."""
    if isinstance(found, bool):
        return "true" if found else "false"
    return _line(str(found)).strip() if isinstance(found, str | int | float) else ""


def _line(text: str) -> str:
    """Return text without what no store and no page takes, such as NUL and half of a character."""
    return "".join(character if character.isprintable() else " " for character in text)


def _there(data: Any) -> str:  # noqa: ANN401
    """Return which places a message has: whoever writes a mapping looks for one."""
    keys = ", ".join(f"/{key}" for key in list(data)[:20]) if isinstance(data, dict) else ""
    return f" (there is {_line(keys)[:200]})" if keys else ""


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
