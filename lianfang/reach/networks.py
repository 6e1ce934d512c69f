"""Where receivers may be. What a name leads to is decided by others than who wrote it down here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohappyeyeballs
from pydantic import Field, IPvAnyNetwork

from lianfang.config import Problem, Stanza
from lianfang.errors import TransientError

Network = IPv4Network | IPv6Network


class Reached(Stanza):
    """What the stanza of a receiver, a source or a sensor has that we call over a network by ourselves."""

    networks: tuple[IPvAnyNetwork, ...] | None = Field(default=None, max_length=64)
    """Networks, such as 10.20.0.0/16, in which it may be, beside public addresses; `networks` of the file
    where not given."""

    @property
    def within(self) -> tuple[Network, ...]:
        """The networks in which it may be."""
        return self.networks or ()


def inside(host: str, networks: Sequence[Network]) -> bool:
    """Say whether ``host``, an address, is in one of ``networks``; ValueError for a name."""
    address = _address(host)
    return any(address in network for network in networks)


def allows(host: str, networks: Sequence[Network]) -> bool:
    """Say whether ``host``, an address, is public or in one of ``networks``; ValueError for a name."""
    address = _address(host)
    return inside(host, networks) or (address.is_global and not address.is_multicast)


def _address(host: str) -> IPv4Address | IPv6Address:
    address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


async def only(host: str) -> list[Network]:
    """Return the addresses of ``host``, a device that a person has named, as networks; OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_network(address[0]) for *_, address in found]


def check_host(key: str, host: str, networks: Sequence[Network]) -> Iterator[Problem]:
    """Yield a problem where ``host`` is an address at which nothing is allowed to be."""
    try:
        allowed = allows(host, networks)
    except ValueError:
        return  # a name: every connection is looked at
    if not allowed:
        given = ", ".join(map(str, networks)) or "none are given"
        where = f"a public one, or one in `networks`, here or at the top of the file ({given})"
        yield Problem((key,), f"{host}, which is no public address", where)


def check_address(key: str, url: str, networks: Sequence[Network]) -> Iterator[Problem]:
    """Yield a problem where ``url`` names an address at which nothing is allowed to be."""
    yield from check_host(key, urlsplit(url).hostname or "", networks)


def sockets_within(networks: Sequence[Network]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return a maker of sockets to public addresses and ``networks``; OSError for any other address.

    It sees the address that is connected to, so that a name which leads elsewhere since is no way around it.
    """

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allows(address[0], networks):
            raise OSError(None, f"{address[0]} is no public address, and in none of its `networks`")
        return socket.socket(family, kind, protocol)

    return make


async def connect(host: str, port: int, networks: Sequence[Network]) -> socket.socket:
    """Return a connected TCP socket to ``host``, where that may be; OSError where there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await aiohappyeyeballs.start_connection(found, socket_factory=sockets_within(networks))


async def address_of(host: str, port: int, networks: Sequence[Network]) -> tuple[str, int]:
    """Return the IPv4 address of ``host``, and its port, for a program that connects by itself.

    TransientError where there is none, or nothing may be there.
    """
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransientError(f"{host}: {error.strerror}") from error
    address = str(found[0][4][0])
    if not allows(address, networks):
        raise TransientError(f"{address} is no public address, and in none of its `networks`")
    return address, port
