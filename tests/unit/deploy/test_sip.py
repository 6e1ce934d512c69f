"""SIP messages as the simulators read them: what is written is read, and what breaks a rule is refused."""

from __future__ import annotations

import pytest

from deploy.simulators.sip import Message, answer, parsed

FIELDS = (
    ("Via", "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport"),
    ("From", "<sip:us@127.0.0.1>;tag=ours"),
    ("To", "<sip:horn@127.0.0.1>"),
    ("Call-ID", "call-1"),
    ("CSeq", "7 MESSAGE"),
    ("Max-Forwards", "70"),
)
REQUEST = Message(FIELDS, "水边有人".encode("gb18030"), method="MESSAGE", uri="sip:horn@127.0.0.1")


def changed(name: str, value: str | None) -> bytes:
    """Return the request with another value of a field, or without it."""
    fields = [(known, value if known == name else old) for known, old in FIELDS]
    left = tuple((known, new) for known, new in fields if new is not None)
    return bytes(Message(left, REQUEST.body, method=REQUEST.method, uri=REQUEST.uri))


def test_what_is_written_is_read() -> None:
    assert parsed(bytes(REQUEST)) == REQUEST
    assert REQUEST.cseq == (7, "MESSAGE")
    assert (REQUEST.tag("From"), REQUEST.tag("To")) == ("ours", "")


def test_short_names_and_capitals_are_the_same_field() -> None:
    short = bytes(REQUEST).replace(b"\r\nFrom:", b"\r\nf:").replace(b"Content-Length:", b"l :")
    assert parsed(short).get("FROM") == "<sip:us@127.0.0.1>;tag=ours"


def test_an_answer_belongs_to_its_request() -> None:
    said = parsed(bytes(answer(REQUEST, 486, "Busy Here", tag="theirs", fields={"Warning": "none"})))
    assert (said.status, said.reason, said.tag("To")) == (486, "Busy Here", "theirs")
    assert all(said.get(name) == REQUEST.get(name) for name in ("Via", "From", "Call-ID", "CSeq"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no end of the header"),
        (bytes(REQUEST)[:-1], "Content-Length 8, the body has 7"),
        (bytes(REQUEST).replace(b"Content-Length", b"Length"), "Content-Length not there, the body has 8"),
        (bytes(REQUEST).replace(b"SIP/2.0\r\n", b"HTTP/1.1\r\n"), "neither a request nor an answer"),
        (bytes(REQUEST).replace(b"Max-", b"(Max "), "a line that is no field"),
        (changed("Call-ID", None), "without call-id"),
        (changed("Max-Forwards", None), "without max-forwards"),
        (changed("Via", "SIP/2.0/UDP 127.0.0.1;branch=1"), "Via: "),
        (changed("From", "<sip:us@127.0.0.1>"), "From has no tag"),
        (changed("CSeq", "7"), "CSeq: 7"),
        (changed("CSeq", "7 INVITE"), "CSeq is one of INVITE"),
    ],
)
def test_what_breaks_a_rule(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace("(", r"\(")):
        parsed(data)
