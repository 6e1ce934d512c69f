"""Events to and from (value, headers) of a record.

The header ``schema`` is ``name/major.minor``. A minor this reader does not know is read (new fields are
kept); an unknown name or major raises DecodeError, and its reader sends the record to the dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lianfang.errors import DecodeError
from lianfang.events import CameraState, Canary, ConfigVersion, Frame, Observation, Reading, SpeakerState

Headers = Mapping[str, str]
SCHEMA = "schema"
_CONFIG_VERSION = "config-version"
_MAJOR = 1
M = TypeVar("M", bound=BaseModel)
Event = Observation | CameraState | SpeakerState | Reading | Canary
_EVENTS: dict[str, type[Event]] = {
    "observation": Observation,
    "camera-state": CameraState,
    "speaker-state": SpeakerState,
    "reading": Reading,
    "canary": Canary,
}
_NAMES = {event: name for name, event in _EVENTS.items()}
_MINORS = {"reading": 1}  # 1: id, device_time, attributes


def encode_event(event: Event) -> tuple[bytes, dict[str, str]]:
    """Return (JSON value, headers)."""
    name = _NAMES[type(event)]
    return event.model_dump_json().encode(), {SCHEMA: f"{name}/{_MAJOR}.{_MINORS.get(name, 0)}"}


def decode_event(value: bytes, headers: Headers) -> Event:
    """Return the event of a record; DecodeError says what is wrong with it."""
    name = _checked_name(headers)
    event = _EVENTS.get(name)
    if event is None:
        raise DecodeError(f"schema {name!r} is not one of {', '.join(sorted(_EVENTS))}")
    return _parsed(event, name, value)


def encode_version(said: ConfigVersion) -> tuple[bytes, dict[str, str]]:
    """Return (JSON value, headers)."""
    return said.model_dump_json().encode(), {SCHEMA: f"{_CONFIG_VERSION}/{_MAJOR}.0"}


def decode_version(value: bytes, headers: Headers) -> ConfigVersion:
    """Return the version of a record; DecodeError says what is wrong with it."""
    name = _checked_name(headers)
    if name != _CONFIG_VERSION:
        raise DecodeError(f"schema {name!r} is not {_CONFIG_VERSION}")
    return _parsed(ConfigVersion, name, value)


def encode_frame(frame: Frame) -> tuple[bytes, dict[str, str]]:
    """Return (pixels, headers): the value of a frame is its picture, untouched."""
    headers = {
        SCHEMA: f"frame/{_MAJOR}.0",
        "camera_id": frame.camera_id,
        "epoch": frame.epoch,
        "seq": str(frame.seq),
        "captured_at": frame.captured_at.isoformat(),
        "published_at": frame.published_at.isoformat(),
        "width": str(frame.width),
        "height": str(frame.height),
        "encoding": frame.encoding,
    }
    if frame.camera_time is not None:
        headers["camera_time"] = frame.camera_time.isoformat()
    return frame.pixels, headers


def decode_frame(value: bytes, headers: Headers) -> Frame:
    """Return the frame of a record; DecodeError says what is wrong with it."""
    name = _checked_name(headers)
    if name != "frame":
        raise DecodeError(f"schema {name!r} is not frame")
    try:
        encoding = headers["encoding"]
        if encoding not in ("jpeg", "bgr24"):
            raise DecodeError(f"frame: encoding {encoding!r} is not jpeg or bgr24")
        camera_time = headers.get("camera_time")
        return Frame(
            camera_id=headers["camera_id"],
            epoch=headers["epoch"],
            seq=_count(headers["seq"]),
            captured_at=_aware(headers["captured_at"]),
            published_at=_aware(headers["published_at"]),
            width=int(headers["width"]),
            height=int(headers["height"]),
            encoding=encoding,  # type: ignore[arg-type]  # narrowed by the check above
            pixels=value,
            camera_time=None if camera_time is None else _aware(camera_time),
        )
    except KeyError as error:
        raise DecodeError(f"frame: header {error.args[0]!r} is missing") from error
    except ValueError as error:
        raise DecodeError(f"frame: {error}") from error


def _checked_name(headers: Headers) -> str:
    schema = headers.get(SCHEMA, "")
    name, _, version = schema.partition("/")
    if not version or version.partition(".")[0] != str(_MAJOR):
        raise DecodeError(f"schema {schema!r}: this reader knows major {_MAJOR}")
    return name


def _parsed(model: type[M], name: str, value: bytes) -> M:
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "value"
        raise DecodeError(f"{name}: {where}: {first['msg']} ({error.error_count()} problems)") from error


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(f"{number} counts nothing")
    return number


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no offset")
    return moment
