"""Gateways and platforms that send readings to our API, and which sensors are theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from lianfang.config.payload import Payload, Pointer
from lianfang.config.stanza import Id, Problem, Secret, Stanza, one_of

if TYPE_CHECKING:
    from lianfang.config.model import Config

_SHORTEST = 16  # characters of a token: whoever guesses has billions of years


class Gateway(Stanza):
    """Who sends readings of one or several sensors: POST /api/gateways/{id}/readings."""

    name: str = Field(min_length=1, max_length=100)
    """As people there call it."""
    token: Secret
    """What it sends as `Authorization: Bearer …`."""
    readings: Pointer = ""
    """Where in a body the list of readings stands; the whole body where not given: a list, or one reading."""
    per_s: float = Field(default=20, ge=0.1, le=1000)
    """Readings a second that it may send for long; thirty times as many at once."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a token that can be guessed."""
        del config
        try:
            short = len(self.token.read()) < _SHORTEST
        except LookupError:
            return  # the secret itself says so
        if short:
            yield Problem(("token",), "a short one", f"one of {_SHORTEST} characters or more")


class Push(Stanza):
    """A sensor whose readings are sent to our API."""

    gateway: Id
    """One of `gateways`: who sends them. A sensor that sends by itself is a gateway of one sensor."""
    payload: Payload = Payload()
    """How one of its readings is read; `match` says which of the gateway's are this sensor's."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a gateway that there is none of."""
        if self.gateway not in config.gateways:
            yield Problem(("gateway",), repr(self.gateway), one_of(config.gateways))
