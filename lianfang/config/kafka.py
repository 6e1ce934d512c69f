"""How Kafka is reached and laid out, where ``bus`` names it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lianfang.config.stanza import Problem, Secret, Stanza
from lianfang.config.tls import Tls

if TYPE_CHECKING:
    from lianfang.config.model import Config

SCHEME = "kafka://"
_DEFAULT_PORT = 9092
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?")


def brokers(bus: str) -> list[str]:
    """Return the ``host:port`` of each broker in ``bus``; ValueError says what may be."""
    found = []
    for place in bus.removeprefix(SCHEME).split(","):
        match = _BROKER.fullmatch(place)
        port = int(match["port"] or _DEFAULT_PORT) if match else 0
        if match is None or not bus.startswith(SCHEME) or not 0 < port < 65536:
            raise ValueError("embedded, or kafka://host:port[,host:port]")
        found.append(f"{match['host']}:{port}")
    return found


class Sasl(Stanza):
    """How we log in to the brokers."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """As the brokers have it."""
    username: str = Field(min_length=1)
    """Who we are."""
    password: Secret
    """The password."""


class Kafka(Stanza):
    """Topics and access, where the bus is kafka://…; nothing otherwise."""

    frame_partitions: int = Field(default=12, ge=1, le=1000)
    """Partitions of frames: about one for five cameras, and no fewer than detector workers. Never changes."""
    event_partitions: int = Field(default=12, ge=1, le=1000)
    """Partitions of observations and dead letters. Never changes: it decides the order of events."""
    replication: int = Field(default=1, ge=1, le=7)
    """Brokers that hold each event: 3 in production. Frames are perishable and always have 1."""
    tls: Tls | None = None
    """TLS; not used where not given."""
    sasl: Sasl | None = None
    """Login; none where not given."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a password that would travel in clear."""
        del config
        if self.sasl is not None and self.sasl.mechanism == "PLAIN" and self.tls is None:
            yield Problem(("sasl", "mechanism"), "PLAIN without tls", "PLAIN with tls, or a SCRAM mechanism")
