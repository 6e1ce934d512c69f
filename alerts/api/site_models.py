"""What the API says of the installation: its community, its cameras, and who is logged in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from alerts.api.answer import Answer
from alerts.api.models import Assignee, Named, NamedInBoth
from alerts.api.passwords import MIN_LENGTH
from lianfang.config.api import Role


class Clock(Answer):
    """By how many seconds a camera's clock was ahead of ours ``at`` a time, below 0 behind.

    ``source`` is what it was read from; ``off`` says that it is a fault. Without ``trusted`` ours may have
    been the wrong one.
    """

    offset_s: float
    source: Literal["rtcp", "onvif", "osd"]
    at: AwareDatetime
    off: bool
    trusted: bool


class Camera(Answer):
    """What a camera is worth; ``unknown`` until its stream has said something.

    ``faults`` are what is wrong with what it shows. ``reason`` is a code, or a few words of an older writer;
    ``detail`` is for technicians, in English.
    """

    id: str
    name: str
    point: Named
    condition: Literal["online", "degraded", "offline", "unknown", "disabled"]
    since: AwareDatetime | None
    reason: str
    detail: str
    faults: list[str]
    clock: Clock | None


class Playback(Answer):
    """An RTSP address at which a recorder plays back, without user and password."""

    url: str


class CamerasChanged(Answer):
    """The event ``cameras`` of the stream: all cameras at first, afterwards those that changed."""

    cameras: list[Camera]


class Community(Answer):
    """Whom this installation watches for. ``speakers`` are those of the receivers that speak."""

    name: str
    language: Literal["zh", "en"]
    timezone: str
    receivers: list[NamedInBoth]
    speakers: list[str]
    assignees: list[Assignee]


class Login(BaseModel):
    """Who wants in."""

    operator: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class OwnPassword(BaseModel):
    """The password as it is, and as it is to be."""

    current: Annotated[str, Field(min_length=1, max_length=1024)]
    new: Annotated[str, Field(min_length=MIN_LENGTH, max_length=1024)]


class LoggedIn(Answer):
    """Who is logged in, and until when; ``stands_for`` are the assignees whose incidents are theirs.

    ``must_change``: nothing else is allowed before they have chosen a password of their own. ``configured``:
    the password stands in the configuration, and is changed there.
    """

    operator: str
    name: str
    role: Role
    stands_for: list[str]
    must_change: bool
    configured: bool
    expires_at: AwareDatetime
