"""SOAP as a strict ONVIF device speaks it: SOAP 1.2, faults, and WS-Security with a password's digest."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE, MEDIA, EVENTS = (f"http://www.onvif.org/ver10/{name}/wsdl" for name in ("device", "media", "events"))
SCHEMA, NOTIFY = "http://www.onvif.org/ver10/schema", "http://docs.oasis-open.org/wsn/b-2"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_SECURITY, _UTILITY = f"{_WSS}-wssecurity-secext-1.0.xsd", f"{_WSS}-wssecurity-utility-1.0.xsd"
_DIGEST = f"{_WSS}-username-token-profile-1.0#PasswordDigest"
_PREFIXES = {
    "s": SOAP,
    "tds": DEVICE,
    "trt": MEDIA,
    "tev": EVENTS,
    "tt": SCHEMA,
    "wsnt": NOTIFY,
    "wsa": ADDRESSING,
    "tns1": "http://www.onvif.org/ver10/topics",
    "ter": "http://www.onvif.org/ver10/error",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _PREFIXES.items())
_LONGEST = 64 * 1024

Element: TypeAlias = Any  # of lxml, which brings no types


class Fault(Exception):  # noqa: N818 - so SOAP calls it
    """A fault: the code is Sender or Receiver, ``subcodes`` say more, such as ``ter:InvalidArgVal``."""

    def __init__(self, reason: str, *subcodes: str, code: str = "Sender") -> None:
        super().__init__(reason)
        self.reason, self.subcodes, self.code = reason, subcodes, code

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return 400 if self.code == "Sender" else 500

    def body(self) -> str:
        """Return the body of the answer."""
        inner = ""
        for subcode in reversed(self.subcodes):
            inner = f"<s:Subcode><s:Value>{subcode}</s:Value>{inner}</s:Subcode>"
        reason = f'<s:Reason><s:Text xml:lang="en">{escape(self.reason)}</s:Text></s:Reason>'
        return f"<s:Fault><s:Code><s:Value>s:{self.code}</s:Value>{inner}</s:Code>{reason}</s:Fault>"


NOT_LET_IN = Fault("Sender not authorized", "ter:NotAuthorized")


@dataclass(frozen=True)
class Message:
    """A message that came: its operation, what is in it, who says so, and where it is addressed to."""

    operation: str
    namespace: str
    body: Element
    security: Element | None
    action: str
    to: str

    def text(self, path: str) -> str:
        """Return the text at ``path``, whose steps are ``prefix:Name``; a fault where there is none."""
        found: str | None = self.body.findtext(path, namespaces=_PREFIXES)
        if found is None:
            raise Fault(f"no {path}", "ter:InvalidArgs")
        return found.strip()

    def all(self, path: str) -> list[Element]:
        """Return every element at ``path``."""
        found: list[Element] = self.body.findall(path, namespaces=_PREFIXES)
        return found


def text_in(element: Element, path: str) -> str:
    """Return the text of a part, "" where there is none."""
    return (element.findtext(path, namespaces=_PREFIXES) or "").strip()


def read(content_type: str, content: bytes) -> Message:
    """Return the message; a fault for anything that is no SOAP 1.2."""
    if content_type.partition(";")[0].strip().lower() != "application/soap+xml":
        raise Fault(f"{content_type or 'nothing'} is no SOAP 1.2", code="Sender")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        envelope = etree.fromstring(content[:_LONGEST], parser)
    except etree.XMLSyntaxError as error:
        raise Fault("not well-formed", "ter:WellFormed") from error
    body = envelope.find(f"{{{SOAP}}}Body")
    if envelope.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
        raise Fault("no envelope of SOAP 1.2 with one operation", "ter:WellFormed")
    name = etree.QName(body[0])
    return Message(
        name.localname,
        name.namespace or "",
        body[0],
        envelope.find(f"{{{SOAP}}}Header/{{{_SECURITY}}}Security"),
        (envelope.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}Action") or "").strip(),
        (envelope.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}To") or "").strip(),
    )


def written(body: str) -> bytes:
    """Return an envelope with ``body`` in it."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<s:Envelope {_DECLARED}><s:Body>{body}</s:Body></s:Envelope>".encode()


@dataclass
class Door:
    """Lets in whose digest is right, made at most ``window_s`` from the device's own time, each once."""

    passwords: Mapping[str, str]
    window_s: float = 30.0
    _seen: set[bytes] = field(default_factory=set)

    def lets_in(self, security: Element | None, now: datetime) -> str:
        """Return who it is; a fault for everybody else."""
        if security is None:
            raise NOT_LET_IN
        token = f"{{{_SECURITY}}}UsernameToken"
        name = security.findtext(f"{token}/{{{_SECURITY}}}Username") or ""
        given = security.find(f"{token}/{{{_SECURITY}}}Password")
        created = security.findtext(f"{token}/{{{_UTILITY}}}Created") or ""
        if given is None or given.get("Type") != _DIGEST or name not in self.passwords:
            raise NOT_LET_IN
        try:
            nonce = base64.b64decode(security.findtext(f"{token}/{{{_SECURITY}}}Nonce") or "", validate=True)
            made_at = datetime.fromisoformat(created)
        except (binascii.Error, ValueError) as error:
            raise NOT_LET_IN from error
        if not created.endswith("Z") or abs(now - made_at.astimezone(UTC)) > timedelta(seconds=self.window_s):
            raise NOT_LET_IN
        right = hashlib.sha1(nonce + created.encode() + self.passwords[name].encode(), usedforsecurity=False)
        if not nonce or nonce in self._seen:
            raise NOT_LET_IN
        if not hmac.compare_digest(base64.b64encode(right.digest()).decode(), given.text or ""):
            raise NOT_LET_IN
        self._seen.add(nonce)
        return name
