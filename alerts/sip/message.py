"""SIP messages: written, and read from somebody who may send anything.

Source: RFC 3261, sections 7 and 20.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 64 * 1024  # bytes of a message
_MOST_HEADERS = 100
_VERSION = "SIP/2.0"
_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"} | {
    "c": "content-type",
    "e": "content-encoding",
    "k": "supported",
    "s": "subject",
}
_WORD = r"[A-Za-z0-9.!%*_+`'~-]+"
_HEADER = re.compile(rf"({_WORD})[ \t]*:(.*)")
_REQUEST = re.compile(rf"({_WORD}) (\S+) SIP/2\.0")
_RESPONSE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ?(.*)")
_CSEQ = re.compile(rf"([0-9]{{1,10}})[ \t]+({_WORD})")
_VIA = re.compile(rf"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*({_WORD})[ \t]+([^;, \t]+)[ \t]*(;.*)?")
_LENGTH = re.compile(r"[0-9]{1,7}")


class BadMessage(ValueError):  # noqa: N818 - reads as the fact it states
    """Bytes that are no SIP message, and why."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Names and values in their order. Values are bytes read as Latin-1, so that any of them stays whole."""

    lines: tuple[tuple[str, str], ...]

    def all(self, name: str) -> Iterator[str]:
        """Yield the values of a header, whatever the case of its name, and in its short form, too."""
        wanted = name.lower()
        return (value for key, value in self.lines if _long(key) == wanted)

    def get(self, name: str) -> str:
        """Return its first value, "" where there is none."""
        return next(self.all(name), "")


@dataclass(frozen=True, slots=True)
class Request:
    """A request."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""

    def encode(self) -> bytes:
        """Return its bytes, with the length of the body."""
        return _encoded(f"{self.method} {self.uri} {_VERSION}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """A response; ``status`` is from 100 to 699."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""

    def encode(self) -> bytes:
        """Return its bytes, with the length of the body."""
        return _encoded(f"{_VERSION} {self.status} {self.reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop: who sent it, and the parameters; one without a value has ""."""

    transport: str
    sent_by: str
    parameters: dict[str, str]


def parse(data: bytes) -> Request | Response:
    """Return the message that ``data`` is, less what follows its body; BadMessage."""
    if len(data) > LONGEST:
        raise BadMessage("longer than any message may be")
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        raise BadMessage("no end of its headers")
    start, *lines = head.decode("latin-1").split("\r\n")
    if any("\r" in line or "\n" in line for line in (start, *lines)):
        raise BadMessage("half an end of a line")
    headers = _headers(lines)
    cseq = cseq_of(headers)
    top_via(headers)
    body = body[: _length(headers, len(body))]
    if asked := _REQUEST.fullmatch(start):
        if asked[1] != cseq[1]:
            raise BadMessage(f"a {asked[1]} whose CSeq is of a {cseq[1]}")
        return Request(asked[1], asked[2], headers, body)
    if said := _RESPONSE.fullmatch(start):
        return Response(int(said[1]), said[2], headers, body)
    raise BadMessage("neither a request nor a response of SIP/2.0")


def cseq_of(headers: Headers) -> tuple[int, str]:
    """Return number and method of the CSeq; BadMessage."""
    found = _CSEQ.fullmatch(headers.get("CSeq"))
    if found is None or int(found[1]) >= 2**31:
        raise BadMessage("a CSeq that is none")
    return int(found[1]), found[2]


def top_via(headers: Headers) -> Via:
    """Return the first hop; BadMessage."""
    found = _VIA.fullmatch(headers.get("Via").partition(",")[0].strip(" \t"))
    if found is None:
        raise BadMessage("a Via that is none")
    return Via(found[1], found[2], parameters(found[3] or ""))


def parameters(text: str) -> dict[str, str]:
    """Return what follows a value as ``;name=value;name``, names in lower case."""
    named = (part.partition("=") for part in text.split(";") if part.strip(" \t"))
    return {name.strip(" \t").lower(): value.strip(' \t"') for name, _, value in named}


def _headers(lines: list[str]) -> Headers:
    found: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and found:  # goes on from the line before
            name, value = found.pop()
            found.append((name, " ".join([value, line.strip(" \t")]).strip(" ")))
            continue
        header = _HEADER.fullmatch(line)
        if header is None:
            raise BadMessage("a line that is no header")
        found.append((header[1], header[2].strip(" \t")))
        if len(found) > _MOST_HEADERS:
            raise BadMessage("more headers than any message has")
    headers = Headers(tuple(found))
    lacking = [name for name in _NEEDED if not headers.get(name)]
    if lacking:
        raise BadMessage(f"no {', '.join(lacking)}")
    return headers


def _length(headers: Headers, there: int) -> int:
    told = headers.get("Content-Length")
    if not told:
        return there  # a datagram ends where it ends
    if not _LENGTH.fullmatch(told) or int(told) > there:
        raise BadMessage("a Content-Length that is not that of its body")
    return int(told)


def _encoded(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers.lines), f"Content-Length: {len(body)}"]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header with the end of a line in it")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _long(name: str) -> str:
    name = name.lower()
    return _SHORT.get(name, name)
