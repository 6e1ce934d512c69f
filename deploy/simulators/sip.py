"""SIP messages as a strict device reads and writes them (RFC 3261): what each must have, and answers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

_REQUEST = re.compile(r"([A-Z]+) (sips?:\S+) SIP/2\.0")
_STATUS = re.compile(r"SIP/2\.0 ([1-6]\d\d) (.*)")
_FIELD = re.compile(r"([\w-]+)[ \t]*:[ \t]*(.*)")
_SHORT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
}
_NEEDED = ("via", "from", "to", "call-id", "cseq")
_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")  # RFC 3261, 8.2.6.2
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A request (``method``, ``uri``) or an answer (``status``, ``reason``); the others are "" and 0.

    ``fields`` are in their order, as they were written.
    """

    fields: tuple[tuple[str, str], ...]
    body: bytes = b""
    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""

    def all(self, name: str) -> list[str]:
        """Return the values of a field, "" for none."""
        return [value for known, value in self.fields if _name(known) == _name(name)]

    def get(self, name: str) -> str:
        """Return the first value of a field, "" for none."""
        return next(iter(self.all(name)), "")

    @property
    def cseq(self) -> tuple[int, str]:
        """Its number, and the method that it belongs to."""
        number, _, method = self.get("CSeq").partition(" ")
        return int(number), method

    def tag(self, name: str) -> str:
        """Return the tag of From or To, "" for none."""
        found = re.search(r">?;tag=([\w.~-]+)", self.get(name))
        return found[1] if found else ""

    def __bytes__(self) -> bytes:
        request, said = f"{self.method} {self.uri} SIP/2.0", f"SIP/2.0 {self.status} {self.reason}"
        first = request if self.method else said
        lines = [first, *(f"{name}: {value}" for name, value in self.fields)]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body


def parsed(data: bytes) -> Message:
    """Return the message in ``data``, all of it; ValueError says which rule it breaks."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(data) > _LARGEST:
        raise ValueError("no end of the header")
    first, *lines = head.decode().split("\r\n")
    found = [_FIELD.fullmatch(line) for line in lines]
    fields = tuple((field[1], field[2].strip()) for field in found if field)
    if len(fields) < len(lines):
        raise ValueError("a line that is no field")
    length = [value for name, value in fields if _name(name) == "content-length"]
    rest = tuple((name, value) for name, value in fields if _name(name) != "content-length")
    if length != [str(len(body))]:
        raise ValueError(f"Content-Length {', '.join(length) or 'not there'}, the body has {len(body)}")
    if request := _REQUEST.fullmatch(first):
        message = Message(rest, body, method=request[1], uri=request[2])
    elif status := _STATUS.fullmatch(first):
        message = Message(rest, body, status=int(status[1]), reason=status[2])
    else:
        raise ValueError("neither a request nor an answer")
    _check(message)
    return message


def answer(
    request: Message,
    status: int,
    reason: str,
    *,
    tag: str = "",
    fields: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Message:
    """Return an answer to a request; ``tag`` is ours, in To, where it has none."""
    copied = [(name, value) for name in _COPIED for value in request.all(name)]
    if tag and not request.tag("To"):
        copied = [(name, f"{value};tag={tag}" if name == "To" else value) for name, value in copied]
    return Message((*copied, *(fields or {}).items()), body, status=status, reason=reason)


def a_tag() -> str:
    """Return a tag, or a branch, that nobody has."""
    return secrets.token_hex(6)


def _check(message: Message) -> None:
    missing = [name for name in _NEEDED if not message.get(name)]
    if message.method and not message.get("Max-Forwards"):
        missing.append("max-forwards")
    if missing:
        raise ValueError(f"without {', '.join(missing)}")
    if not re.match(r"SIP/2\.0/(UDP|TCP|TLS) \S+;.*branch=z9hG4bK", message.get("Via")):
        raise ValueError(f"Via: {message.get('Via')}")
    if not message.tag("From"):
        raise ValueError("From has no tag")
    if not re.fullmatch(r"\d{1,10} [A-Z]+", message.get("CSeq")):
        raise ValueError(f"CSeq: {message.get('CSeq')}")
    if message.method and message.cseq[1] != message.method:
        raise ValueError(f"CSeq is one of {message.cseq[1]}")


def _name(name: str) -> str:
    return _SHORT.get(name.lower(), name.lower())
