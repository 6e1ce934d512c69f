"""What devices answer over ONVIF, read into types of our own. What is not as it should be is a ValueError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from zeep.helpers import serialize_object

_Read = TypeVar("_Read")
_MOST = 1024  # of profiles, users, services
TimeKind = Literal["manual", "ntp"]


@dataclass(frozen=True, slots=True)
class Information:
    """Who made a device, and which one it is. Each may be empty."""

    make: str
    model: str
    firmware: str
    serial: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A stream that a device offers: picture size in pixels, pictures a second.

    ``source`` is the token of the lens or channel that it shows; sizes are 0 where nothing is said.
    """

    token: str
    name: str
    source: str
    encoding: str
    width: int
    height: int
    fps: float

    @property
    def pixels(self) -> int:
        """Width by height."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """What a device's clock says: ``ahead_s`` of ours, give or take ``unsure_s``; it says whole seconds.

    ``kind`` is who sets it; ``zone`` its zone as POSIX writes it, "" where it says none.
    """

    at: datetime
    ahead_s: float
    unsure_s: float
    kind: TimeKind
    zone: str
    daylight_saving: bool


@dataclass(frozen=True, slots=True)
class User:
    """Someone whom a device lets in; ``level`` is Administrator, Operator, User or a word of its own."""

    name: str
    level: str


class _Lenient(BaseModel):
    """A part of an answer; it may say more."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _Information(_Lenient):
    Manufacturer: str | None = None
    Model: str | None = None
    FirmwareVersion: str | None = None
    SerialNumber: str | None = None


class _Size(_Lenient):
    Width: int = Field(default=0, ge=0, le=65535)
    Height: int = Field(default=0, ge=0, le=65535)


class _Rate(_Lenient):
    FrameRateLimit: float = Field(default=0, ge=0, le=1000)


class _Encoder(_Lenient):
    Encoding: str | None = None
    Resolution: _Size | None = None
    RateControl: _Rate | None = None


class _VideoSource(_Lenient):
    SourceToken: str | None = None


class _Profile(_Lenient):
    token: str = Field(min_length=1, max_length=256)
    Name: str | None = None
    VideoSourceConfiguration: _VideoSource | None = None
    VideoEncoderConfiguration: _Encoder | None = None


class _Clock(_Lenient):
    Hour: int
    Minute: int
    Second: int


class _Day(_Lenient):
    Year: int
    Month: int
    Day: int


class _Moment(_Lenient):
    Time: _Clock
    Date: _Day


class _Zone(_Lenient):
    TZ: str | None = None


class _Time(_Lenient):
    DateTimeType: str
    DaylightSavings: bool = False
    TimeZone: _Zone | None = None
    UTCDateTime: _Moment | None = None


class _Host(_Lenient):
    IPv4Address: str | None = None
    IPv6Address: str | None = None
    DNSname: str | None = None


class _Ntp(_Lenient):
    FromDHCP: bool = False
    NTPFromDHCP: list[_Host] | None = None
    NTPManual: list[_Host] | None = None


class _Service(_Lenient):
    Namespace: str
    XAddr: str


class _User(_Lenient):
    Username: str
    UserLevel: str


def each(answer: object, name: str, read: Callable[[object], _Read]) -> list[_Read]:
    """Read the elements ``name`` that an answer lists; one that cannot be read is left out."""
    listed = answer if isinstance(answer, list) else getattr(answer, name, None)  # with what it adds, without
    found: list[_Read] = []
    for said in listed[:_MOST] if isinstance(listed, list) else ():
        try:
            found.append(read(said))
        except ValueError:
            continue
    return found


def information(answer: object) -> Information:
    """Read the answer to GetDeviceInformation."""
    said = _Information.model_validate(_plain(answer))
    return Information(
        said.Manufacturer or "", said.Model or "", said.FirmwareVersion or "", said.SerialNumber or ""
    )


def profile(answer: object) -> Profile | None:
    """Read one profile of the answer to GetProfiles; None where it has no video."""
    said = _Profile.model_validate(_plain(answer))
    encoder, source = said.VideoEncoderConfiguration, said.VideoSourceConfiguration
    if encoder is None:
        return None
    size, rate = encoder.Resolution or _Size(), encoder.RateControl or _Rate()
    return Profile(
        said.token,
        said.Name or "",
        (source.SourceToken if source else None) or "",
        encoder.Encoding or "",
        size.Width,
        size.Height,
        rate.FrameRateLimit,
    )


def device_time(answer: object, asked_at: datetime, answered_at: datetime) -> DeviceTime:
    """Read the answer to GetSystemDateAndTime, asked and answered at these times of our clock."""
    said = _Time.model_validate(_plain(answer))
    if said.UTCDateTime is None:
        raise ValueError("no time")
    day, clock = said.UTCDateTime.Date, said.UTCDateTime.Time
    at = datetime(day.Year, day.Month, day.Day, clock.Hour, clock.Minute, min(clock.Second, 59), tzinfo=UTC)
    took = answered_at - asked_at
    # It cuts its fraction of a second off: half of one is the best guess.
    ahead_s = (at - (asked_at + took / 2)).total_seconds() + 0.5
    return DeviceTime(
        at,
        ahead_s,
        took.total_seconds() / 2 + 0.5,
        "ntp" if said.DateTimeType == "NTP" else "manual",
        (said.TimeZone.TZ if said.TimeZone else None) or "",
        said.DaylightSavings,
    )


def ntp(answer: object) -> list[str]:
    """Read the answer to GetNTP: names and addresses."""
    said = _Ntp.model_validate(_plain(answer))
    servers = said.NTPFromDHCP if said.FromDHCP else said.NTPManual
    hosts = (one.DNSname or one.IPv4Address or one.IPv6Address for one in servers or ())
    return [host for host in hosts if host]


def user(answer: object) -> User:
    """Read one user of the answer to GetUsers."""
    said = _User.model_validate(_plain(answer))
    return User(said.Username, said.UserLevel)


def service(answer: object) -> tuple[str, str]:
    """Read one service of the answer to GetServices: its namespace, its address."""
    said = _Service.model_validate(_plain(answer))
    return said.Namespace, said.XAddr


def _plain(answer: object) -> Any:  # noqa: ANN401 - of the library
    return serialize_object(answer, dict)  # type: ignore[no-untyped-call]
