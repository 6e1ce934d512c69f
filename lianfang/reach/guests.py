"""Where the cameras of guests may be: an address that a stranger typed is a way into our own network."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, ip_address
from typing import Literal
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import Field

from lianfang.config.stanza import Stanza
from lianfang.reach.networks import Network, allows

Kind = Literal["rtsp", "mjpeg", "http_snapshot", "rtmp"]
SCHEMES: dict[str, str] = {"rtsp": "rtsp", "mjpeg": "http", "http_snapshot": "http", "rtmp": "rtmp"}
PORTS = {"rtsp": 554, "http": 80, "rtmp": 1935}
Fault = Literal["not_understood", "scheme", "credentials", "host", "port", "kind"]
_NEVER = tuple(
    map(IPv4Network, ("0.0.0.0/8", "169.254.0.0/16", "100.100.100.200", "224.0.0.0/4", "240.0.0.0/4"))
)
"""Whatever is configured: link-local addresses, and where clouds tell machines their secrets."""
_PLAIN = re.compile(r"[\x21-\x7e]{1,500}")


class GuestSource(Stanza):
    """How a guest's camera is read. It holds a password: never logged, and sealed wherever it is kept."""

    kind: Kind
    """What it speaks."""
    url: str = Field(max_length=500, repr=False)
    """Its address, without user name and password."""
    username: str = Field(default="", max_length=100, repr=False)
    """User name; none where empty."""
    password: str = Field(default="", max_length=200, repr=False)
    """Password."""

    def fault(self, networks: Sequence[Network], ports: Sequence[int]) -> Fault | None:
        """Return what is wrong with the address, as far as that is seen without asking for its name."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            return "not_understood"
        wrong: dict[Fault, bool] = {
            "not_understood": not _PLAIN.fullmatch(self.url),
            "scheme": parts.scheme != SCHEMES[self.kind],
            "credentials": "@" in parts.netloc,
            "host": not host or ":" in host or not _may_be(host, networks),
            "port": port not in ports,
        }
        return next((fault for fault, is_so in wrong.items() if is_so), None)

    @property
    def parts(self) -> SplitResult:
        """The address, taken apart."""
        return urlsplit(self.url)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.parts.port or PORTS[self.parts.scheme]

    def at(self, port: int) -> str:
        """Return the address with credentials, as it is reached by a door of ours at ``port``."""
        login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.username else ""
        return self.parts._replace(netloc=f"{login}127.0.0.1:{port}").geturl()


def connected(host: str, port: int, networks: Sequence[Network], timeout_s: float) -> socket.socket:
    """Return a connection to ``host``, where a guest's camera may be; OSError where there is none.

    The address that is connected to is the one that was looked at, whatever the name leads to afterwards.
    """
    fault: OSError | None = None
    for address in _addresses(host, port):
        if not _may_be(address, networks):
            fault = PermissionError(None, "at an address where no guest's camera may be")
            continue
        try:
            return socket.create_connection((address, port), timeout_s)
        except OSError as error:
            fault = error
    raise fault or OSError(None, "a name that leads nowhere")


def _addresses(host: str, port: int) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM):
        yield str(address[0])


def _may_be(host: str, networks: Sequence[Network]) -> bool:
    """Say whether a guest's camera may be at an address; a name may be anything until it is asked for."""
    try:
        address = ip_address(host)
    except ValueError:
        return not re.fullmatch(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)", host)  # 0x7f.1, 2130706433: in disguise
    return not any(address in never for never in _NEVER) and allows(host, networks)
