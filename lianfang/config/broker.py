"""MQTT brokers: where one is, and how we log in to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from lianfang.config.stanza import Host, Problem, Secret, Stanza
from lianfang.config.tls import Tls

if TYPE_CHECKING:
    from lianfang.config.model import Config


class Broker(Stanza):
    """An MQTT 5 broker, and how we log in to it."""

    host: Host
    """Name or address."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """1883 where not given, 8883 with TLS."""
    tls: Tls | None = None
    """TLS; not used where not given."""
    username: str | None = Field(default=None, min_length=1)
    """Who we are; nobody where not given."""
    password: Secret | None = None
    """The password."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a password without a name, and warn of one that travels in clear."""
        del config
        if self.password is not None and self.username is None:
            yield Problem(("password",), "a password without 'username'", "both or neither")
        if self.password is not None and self.tls is None:
            yield Problem(
                ("password",), "a password without 'tls'", "tls, unless nobody can listen", warning=True
            )
