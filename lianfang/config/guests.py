"""Cameras that others connect: shops, homes, factories. What they may be, and what each of them allows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from cryptography.fernet import Fernet
from pydantic import Field, IPvAnyNetwork, StringConstraints, field_validator

from lianfang.config.drawn import Shape
from lianfang.config.schedule import Schedule
from lianfang.config.stanza import Id, Problem, Secret, Stanza, one_of

if TYPE_CHECKING:
    from lianfang.config.model import Config

PREFIX = "guest_"
"""With it the id of every guest's camera begins, and no other one's."""
LegalClass = Literal["public_place", "venue", "home"]
"""``public_place``: decree 799 holds whole, at least 30 days are kept. ``venue``: premises of one's own, such
as a shop or a factory. ``home``: outside one's own door."""
Installed = Literal[
    "shop", "entrance", "yard", "street", "parking", "warehouse", "workshop", "office", "corridor"
]
Forbidden = Literal[
    "guest_room", "dormitory", "bathroom", "toilet", "changing_room", "nursing_room", "fitting_room"
]
"""Where nobody may install a camera (State Council decree 799, article 8)."""
FORBIDDEN = get_args(Forbidden)
_WORDS = re.compile(
    r"客房|宿舍|寝室|卧室|浴室|澡堂|淋浴|厕所|卫生间|洗手间|公厕|更衣|试衣|母婴|哺乳|桑拿|按摩|"
    r"guest ?room|hotel ?room|dormitor|bedroom|bath ?room|shower|toilet|lavatory|restroom|washroom|"
    r"changing|locker ?room|nursing|fitting ?room|sauna|massage",
    re.IGNORECASE,
)
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]


def names_forbidden(name: str) -> str:
    """Return the word in a name that says it is where no camera may be, "" where there is none."""
    found = _WORDS.search(name)
    return found.group(0) if found else ""


class MediaServer(Stanza):
    """A media server to which guests push their pictures, where we cannot reach them."""

    kind: Literal["mediamtx", "zlmediakit", "nginx_rtmp"]
    """Which one: it says what its questions look like."""
    push: str = Field(pattern=r"^rtmps?://[^\s@/]+(/[^\s@]*)?$")
    """Address to which owners push, without the name of the stream, such as rtmp://media.example:1935/live."""
    pull: str = Field(pattern=r"^(rtsp|rtmp)://[^\s@/]+(/[^\s@]*)?$")
    """Address at which ingest takes the same streams."""
    networks: tuple[IPvAnyNetwork, ...] = Field(default=(), max_length=16)
    """Networks in which it may be, beside public addresses."""
    hook_secret: Secret
    """Stands as ``?secret=`` in the addresses at which it asks us who may push and play."""
    control: str | None = Field(default=None, pattern=r"^https?://[^\s@]+[^\s@/]$")
    """Its API, by which a stream that is withdrawn is cut at once; not cut there where not given."""
    control_secret: Secret | None = None
    """ZLMediaKit's ``secret``, or for MediaMTX ``user:password``."""


class Guests(Stanza):
    """Cameras that others connect, by invitation. Nobody can where this is not given."""

    key: Secret
    """What their credentials are encrypted with: keys as ``lianfang guests key`` prints them, one a line. The
    first encrypts, all decrypt: a new one goes on top, and an old one when nothing is encrypted with it."""
    networks: tuple[IPvAnyNetwork, ...] = Field(default=(), max_length=64)
    """Networks, such as 192.168.8.0/24, in which their cameras may be, beside public addresses."""
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = (80, 554, 8000, 8080, 8554, 10554)
    """TCP ports at which their cameras may be."""
    rules: tuple[Id, ...] = ()
    """Rules that an owner may allow. Of the zones that they name each is the whole picture of a guest."""
    detectors: tuple[Id, ...] = ("objects",)
    """What looks at their pictures."""
    at_most: int = Field(default=16, ge=1, le=200)
    """Cameras of guests that are read at the same time, each in a process of its own."""
    fps: float = Field(default=2, ge=0.2, le=10)
    """Pictures a second of each that are published."""
    max_width: int = Field(default=1280, ge=160, le=1920)
    """Wider pictures are scaled down to this width, in pixels."""
    memory_mb: int = Field(default=1024, ge=768, le=8192)
    """Address space that a process which reads one may take, in MiB; one that wants more dies."""
    invitation_hours: float = Field(default=72, gt=0, le=24 * 30)
    """Hours for which an invitation is good."""
    api: str | None = Field(default=None, pattern=r"^https?://[^\s@/]+$")
    """Where ingest asks the alert service which of them it may read; this machine where not given."""
    media_server: MediaServer | None = None
    """Where owners push to whose cameras cannot be reached."""

    @property
    def secrets(self) -> list[str]:
        """The keys, first the one that encrypts; LookupError, which names none of them."""
        return [line.strip() for line in self.key.read().splitlines() if line.strip()]

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield keys that are none, rules that cannot be opened to guests, and ids that only guests have."""
        for name, camera in config.cameras.items():
            if name.startswith(PREFIX) and hasattr(camera.source, "kind"):
                yield Problem(("key",), f"camera {name} of the file", f"ids that do not begin with {PREFIX}")
        yield from self._no_keys()
        for i, detector in enumerate(self.detectors):
            if detector not in config.detectors:
                yield Problem(("detectors", i), repr(detector), one_of(config.detectors))
        for i, name in enumerate(self.rules):
            rule = config.rules.get(name)
            if rule is None:
                yield Problem(("rules", i), repr(name), one_of(config.rules))
            elif getattr(rule, "lines", ()) or getattr(rule, "counts_jointly", False):
                allowed = "a rule without lines, that counts each camera for itself"
                yield Problem(("rules", i), repr(name), allowed)
            elif any(notice.mode != "live" for notice in getattr(rule, "notify", ())):
                allowed = (
                    "a rule that notifies `live` only: no picture leaves before a person has confirmed it"
                )
                yield Problem(("rules", i), repr(name), allowed)

    def _no_keys(self) -> Iterable[Problem]:
        try:
            keys = self.secrets
        except LookupError:
            return  # the secret itself says so
        for i, key in enumerate(keys):
            try:
                Fernet(key)
            except ValueError:
                found = f"line {i + 1}, which is no key"
                yield Problem(("key",), found, "what `lianfang guests key` prints")


class Guest(Stanza):
    """One camera of a guest, as its owner allows it. Where it is and its password stand nowhere here."""

    name: Name
    """What it looks at, as people there call it."""
    near: Id | None = None
    """The point that it is near: where the sun sets, and in whose grid cell it lies."""
    installed: Installed = "shop"
    """What kind of place it is."""
    legal_class: LegalClass
    """Which law holds for it."""
    rules: tuple[Id, ...] = ()
    """Which of the rules that are open to guests its owner allows."""
    hours: Schedule | None = None
    """When its owner shares it; always where not given. At other times it is not even opened."""
    masks: tuple[Shape, ...] = Field(default=(), max_length=16)
    """Parts of the picture that nobody sees: corners (x, y), 0-1 of width and height from the top left."""
    paused: bool = False
    """True: its owner does not share it now."""

    @field_validator("name")
    @classmethod
    def _permitted(cls, value: str) -> str:
        if word := names_forbidden(value):
            raise ValueError(f"a place where a camera may be: the law forbids {word!r}")
        return value

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield references that lead nowhere."""
        open_to_guests = config.guests.rules if config.guests else ()
        for i, rule in enumerate(self.rules):
            if rule not in open_to_guests:
                yield Problem(("rules", i), repr(rule), one_of(open_to_guests))
        if self.near is not None and self.near not in config.points:
            yield Problem(("near",), repr(self.near), one_of(config.points))
        near = config.points.get(self.near or "")
        if self.hours and self.hours.needs_position and (near is None or near.latitude is None):
            yield Problem(
                ("hours",), "sunrise or sunset", "times of day, or a point `near` that has coordinates"
            )
