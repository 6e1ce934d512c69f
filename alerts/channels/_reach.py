"""Where a receiver may be. What its name leads to is decided by others than who wrote it down here."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from lianfang.config import Problem

Network = IPv4Network | IPv6Network


def allows(host: str, networks: Sequence[Network]) -> bool:
    """Say whether ``host``, an address, is public or in one of ``networks``."""
    address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    return address.is_global and not address.is_multicast


def check_address(key: str, url: str, networks: Sequence[Network]) -> Iterator[Problem]:
    """Yield a problem where ``url`` names an address at which it is not allowed to be."""
    host = urlsplit(url).hostname or ""
    try:
        allowed = allows(host, networks)
    except ValueError:
        return  # a name: every connection is looked at
    if not allowed:
        yield Problem((key,), f"{host}, which is no public address", "a public one, or one in `networks`")


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
