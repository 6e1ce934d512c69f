"""A device that can be found by WS-Discovery. It listens to the group on one interface only."""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self
from urllib.parse import quote
from uuid import uuid4
from xml.sax.saxutils import escape

from lxml import etree

GROUP = "239.255.255.250"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NETWORK = "http://www.onvif.org/ver10/network/wsdl"


class Findable:
    """A device with its service at ``url``; it answers probes for cameras, and no others."""

    def __init__(
        self, url: str, *, name: str, hardware: str = "SIM-1", port: int = 0, interface: str = "lo"
    ) -> None:
        self._url, self._name, self._hardware = url, name, hardware
        self._interface, self._socket = interface, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._port = port
        self.heard = 0

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    async def __aenter__(self) -> Self:
        listener = self._socket
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((GROUP, self._port))  # nothing that is sent to this host's own addresses comes here
        member = struct.pack("=4s4si", socket.inet_aton(GROUP), b"", socket.if_nametoindex(self._interface))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(listener, self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        datagram, sender = self._socket.recvfrom(65536)
        try:
            envelope = etree.fromstring(datagram, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            return
        action = (envelope.findtext(f".//{{{_ADDRESSING}}}Action") or "").strip()
        message = (envelope.findtext(f".//{{{_ADDRESSING}}}MessageID") or "").strip()
        types = envelope.find(f".//{{{_DISCOVERY}}}Probe/{{{_DISCOVERY}}}Types")
        if action != f"{_DISCOVERY}/Probe" or not message or types is None:
            return
        prefix, _, kind = (types.text or "").strip().partition(":")
        if kind != "NetworkVideoTransmitter" or types.nsmap.get(prefix) != _NETWORK:
            return
        self.heard += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answerer:
            answerer.bind(("127.0.0.1", 0))
            answerer.sendto(self._match(message), sender)

    def _match(self, message: str) -> bytes:
        scopes = " ".join(
            f"onvif://www.onvif.org/{key}/{quote(value)}"
            for key, value in (("type", "video_encoder"), ("name", self._name), ("hardware", self._hardware))
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
            f' xmlns:a="{_ADDRESSING}" xmlns:d="{_DISCOVERY}" xmlns:dn="{_NETWORK}"><s:Header>'
            f"<a:MessageID>urn:uuid:{uuid4()}</a:MessageID><a:RelatesTo>{escape(message)}</a:RelatesTo>"
            f"<a:To>{_ADDRESSING}/role/anonymous</a:To><a:Action>{_DISCOVERY}/ProbeMatches</a:Action></s:Header>"
            f"<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{uuid4()}</a:Address>"
            f"</a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes>"
            f"<d:XAddrs>{escape(self._url)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
            "</d:ProbeMatches></s:Body></s:Envelope>"
        ).encode()
