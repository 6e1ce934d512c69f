"""How PostgreSQL is reached, where ``store`` names it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lianfang.config.stanza import Problem, Secret, Stanza
from lianfang.config.tls import Tls

if TYPE_CHECKING:
    from lianfang.config.model import Config

_DEFAULT_PORT = 5432
_ADDRESS = re.compile(
    r"postgresql://(?P<user>[A-Za-z0-9_.-]+)@(?P<hosts>[^/@]+)/(?P<database>[A-Za-z0-9_.-]+)"
)
# A host, or as in libpq's own addresses a folder of sockets with %2F for each slash.
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|(%2F[A-Za-z0-9._-]+)+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Address:
    """Whom to ask for what: each (host, port), in the order in which they are tried."""

    user: str
    hosts: tuple[tuple[str, int], ...]
    database: str

    @property
    def is_local(self) -> bool:
        """Whether nothing that is said leaves this machine."""
        here = {"127.0.0.1", "::1", "localhost"}
        return all(host.startswith("/") or host in here for host, _ in self.hosts)


def address(store: str) -> Address:
    """Return what ``store`` says; ValueError says what may be."""
    match = _ADDRESS.fullmatch(store)
    hosts = [_host(place) for place in match["hosts"].split(",")] if match else []
    if match is None or None in hosts:
        raise ValueError(
            "sqlite, or postgresql://user@host[:port][,host[:port]]/database; a password goes to postgresql"
        )
    return Address(match["user"], tuple(host for host in hosts if host is not None), match["database"])


def _host(place: str) -> tuple[str, int] | None:
    match = _HOST.fullmatch(place)
    port = int(match["port"] or _DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        return None
    return match["host"].replace("%2F", "/").strip("[]"), port


class Postgresql(Stanza):
    """Access to the database, where the store is postgresql://…; nothing otherwise."""

    password: Secret | None = None
    """The password of the user; none where the server asks for none."""
    tls: Tls | None = None
    """TLS; without it nothing proves that the server is the right one."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield access to nothing, and a connection over the network whose server is not proved."""
        if not config.store_is_shared:
            if self != Postgresql():
                yield Problem((), "access to PostgreSQL", "none where `store` is sqlite")
        elif self.tls is None and not address(config.store).is_local:
            yield Problem(("tls",), "nothing", "TLS for a database on another machine", warning=True)
