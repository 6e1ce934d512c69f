"""Which ONVIF devices are on the network: WS-Discovery, a question to all of them at once."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from lianfang.redact import quoted

GROUP, PORT = "239.255.255.250", 3702
_AGAIN_S = 0.5  # datagrams are lost: each question is asked twice
_MOST = 4096  # devices
_LONGEST = 64 * 1024  # bytes
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_SCOPE = "onvif://www.onvif.org/"
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    f' xmlns:a="{_ADDRESSING}" xmlns:d="{_DISCOVERY}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<s:Header><a:Action>{discovery}/Probe</a:Action><a:MessageID>urn:uuid:{message}</a:MessageID>"
    "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"
    "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A device that answered from ``host``: the address of its device service there, and what it is called.

    ``said`` is another address that it gave, "" where it gave its own.
    """

    host: str
    url: str
    name: str
    hardware: str
    said: str = ""


async def discover(
    wait_s: float, interfaces: Sequence[str] = (), *, group: str = GROUP, port: int = PORT
) -> list[Found]:
    """Ask on ``interfaces``, all of this machine where none is named, and return who answers in ``wait_s``.

    OSError where an interface is not there.
    """
    loop, found = asyncio.get_running_loop(), dict[str, Found]()
    there = {name: index for index, name in socket.if_nameindex()}
    names = interfaces or [name for name in there if name != "lo"]
    if unknown := [name for name in names if name not in there]:
        raise OSError(f"no interface {unknown[0]!r}; there are {', '.join(there)}")
    with ExitStack() as opened:
        askers = []
        for name in names:
            askers.append(asker := opened.enter_context(_asker(there[name])))
            loop.add_reader(asker, _hear, asker, found)
            opened.callback(loop.remove_reader, asker)
        for wait in (min(_AGAIN_S, wait_s / 2), max(wait_s - _AGAIN_S, wait_s / 2)):
            for asker in askers:
                _ask(asker, (group, port))
            await asyncio.sleep(wait)
    return sorted(found.values())


def matches(datagram: bytes, sender: str) -> Iterator[Found]:
    """Yield the devices that a datagram from the host ``sender`` tells of; nothing for any other datagram.

    A device is taken at the host that answered: what else it calls itself may be another one's address.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        envelope = etree.fromstring(datagram, parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    for match in envelope.iter(f"{{{_DISCOVERY}}}ProbeMatch"):
        scopes = _text(match, "Scopes").split()
        addresses = _text(match, "XAddrs").split()
        ours = [url for url in addresses if _host(url) == sender]
        told = (ours or addresses or [""])[0]
        yield Found(
            sender,
            _at(sender, told),
            _scope(scopes, "name"),
            _scope(scopes, "hardware"),
            "" if ours else quoted(told),
        )


def _asker(index: int) -> socket.socket:
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.setblocking(False)
    asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"", b"", index))
    asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    return asker


def _ask(asker: socket.socket, where: tuple[str, int]) -> None:
    try:
        asker.sendto(_PROBE.format(discovery=_DISCOVERY, message=uuid.uuid4()).encode(), where)
    except OSError:
        return  # an interface that is down, or knows no IPv4


def _hear(asker: socket.socket, found: dict[str, Found]) -> None:
    try:
        datagram, (sender, _) = asker.recvfrom(_LONGEST)
    except OSError:
        return
    for device in matches(datagram, sender):
        if len(found) < _MOST:
            found.setdefault(device.url, device)


def _at(sender: str, told: str) -> str:
    """Return the address of the device service at ``sender``: path and port as told, if they make sense."""
    try:
        parts = urlsplit(told)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"http://{sender}"
    scheme = parts.scheme if parts.scheme in {"http", "https"} else "http"
    return f"{scheme}://{sender}{port}{quoted(parts.path)}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _text(element: Any, name: str) -> str:  # noqa: ANN401 - of lxml, which brings no types
    return str(element.findtext(f"{{{_DISCOVERY}}}{name}") or "")


def _scope(scopes: Sequence[str], name: str) -> str:
    begin = f"{_SCOPE}{name}/"
    return next((quoted(unquote(scope[len(begin) :])) for scope in scopes if scope.startswith(begin)), "")
