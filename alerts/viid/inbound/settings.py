"""Where a view library reaches us, and as whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import Field

from lianfang.config import Config, Problem, Secret, Stanza
from lianfang.config.stanza import DeviceCode
from lianfang.reach.networks import Network

if TYPE_CHECKING:
    from alerts.viid.tollgates import Tollgate

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - not listened on, compared

LONGEST_NAME = 30
"""Characters of a receiver's name: with a colon and the 33 digits of a subscription it is one of 64."""


class Answers(Stanza):
    """What the platform may ask of us: it registers here. Nothing else is served at this address."""

    host: str = "127.0.0.1"
    """Address to listen on; one that the platform reaches, and the console's users need not."""
    port: int = Field(ge=1, le=65535)
    """Port to listen on."""
    device_code: DeviceCode
    """The platform's own 20-digit code: its calls carry it."""
    username: str = Field(min_length=1, max_length=128, pattern=r'^[^:"\s]+$')
    """Who registers here (HTTP Digest)."""
    password: Secret
    """The password of that."""
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """The largest message that is read."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield another server at the same address, and a receiver whose name is too long for subscribers."""
        yield from super().check(config)
        others = [("api", config.api.host, config.api.port)]
        if config.voice.serve is not None:
            others.append(("voice.serve", config.voice.serve.host, config.voice.serve.port))
        for name, stanza in answering(config).items():
            if stanza.answers is self and len(name) > LONGEST_NAME:
                allowed = f"a receiver with a name of at most {LONGEST_NAME} characters"
                yield Problem((), f"receiver {name!r}", allowed)
            if stanza.answers is not self and stanza.answers is not None:
                others.append((f"receivers.{name}.answers", stanza.answers.host, stanza.answers.port))
        for name, host, port in others:
            if port == self.port and (host == self.host or {host, self.host} & _EVERYWHERE):
                yield Problem(("port",), f"{port}, at which {name} is", "a port of its own")


@runtime_checkable
class Answering(Protocol):
    """The stanza of a receiver that may ask something of us, too."""

    answers: Answers | None
    device_code: str
    timezone: str
    tollgates: Mapping[str, Tollgate]

    @property
    def within(self) -> Sequence[Network]:
        """The networks in which it may be."""
        ...


def answering(config: Config) -> dict[str, Answering]:
    """Return the receivers that may."""
    return {
        name: stanza
        for name, stanza in config.receivers.items()
        if isinstance(stanza, Answering) and stanza.answers is not None
    }


def tollgates_of(config: Config, receiver: str) -> Mapping[str, str]:
    """Return the codes of tollgates by camera, as a receiver knows them; none for one that asks nothing."""
    stanza = answering(config).get(receiver)
    found = stanza.tollgates.items() if stanza is not None else ()
    return {camera: tollgate.code for camera, tollgate in found}
