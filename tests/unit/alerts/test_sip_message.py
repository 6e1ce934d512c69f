"""SIP messages: what is written is read again by others, and nothing that comes makes us fall over."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.sip.link import read_message
from alerts.sip.message import LONGEST, BadMessage, Headers, Request, Response, cseq_of, parse, top_via
from deploy.simulators import sip

LINES = (
    ("Via", "SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK1"),
    ("From", "<sip:a@b>;tag=1"),
    ("To", "<sip:c@b>"),
    ("Call-ID", "x@b"),
    ("CSeq", "20 MESSAGE"),
    ("Max-Forwards", "70"),
)
MESSAGE = Request("MESSAGE", "sip:c@b", Headers(LINES), "萳㙍䶮".encode("gb18030"))
TEXT = MESSAGE.encode()


def test_it_is_read_as_it_was_written() -> None:
    read = parse(TEXT)
    assert isinstance(read, Request)
    assert (read.method, read.uri, read.body) == ("MESSAGE", "sip:c@b", MESSAGE.body)
    assert read.headers.lines[:-1] == LINES
    said = Response(200, "OK", Headers(LINES)).encode()
    assert isinstance(answer := parse(said), Response)
    assert (answer.status, answer.reason) == (200, "OK")


@given(st.binary(max_size=2000), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_strict_reader_of_others_reads_it(body: bytes, value: str) -> None:
    lines = (*LINES, ("Subject", value))
    other = sip.parsed(Request("MESSAGE", "sip:c@b", Headers(lines), body).encode())
    assert (other.body, other.get("Subject"), other.cseq) == (body, value, (20, "MESSAGE"))
    again = parse(bytes(other))
    assert isinstance(again, Request)
    assert (again.body, again.headers.get("subject")) == (body, value)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("v: SIP/2.0/UDP h;branch=z9hG4bKa", "Via", "SIP/2.0/UDP h;branch=z9hG4bKa"),
        ("WWW-Authenticate : Digest a,\r\n b", "www-authenticate", "Digest a, b"),
        ("Subject:\r\n\tfolded", "subject", "folded"),
        ("m:   <sip:x@y>  ", "Contact", "<sip:x@y>"),
        ("Server: \xb9\xd9", "server", "\xb9\xd9"),  # GBK, as some write it
    ],
)
def test_headers_as_others_write_them(text: str, name: str, value: str) -> None:
    data = TEXT.replace(b"Max-Forwards: 70", text.encode("latin-1"))
    assert value in list(parse(data).headers.all(name))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Call-ID", b"Call"),
        (b"CSeq: 20 MESSAGE", b"CSeq: 20 REGISTER"),
        (b"CSeq: 20 MESSAGE", b"CSeq: 99999999999 MESSAGE"),
        (b"CSeq: 20 MESSAGE", b"CSeq: MESSAGE"),
        (b"CSeq: 20", "CSeq: ٢".encode()),
        (b"SIP/2.0/UDP 10", b"SIP/1.0/UDP 10"),
        (b"Max-Forwards: 70", b"Max-Forwards 70"),
        (b"Max-Forwards: 70", b"Content-Length: 9999"),
        (b"Max-Forwards: 70", b"Content-Length: -1"),
        (b"Max-Forwards: 70", b"\r\n".join([b"X: 1"] * 101)),
        (b"MESSAGE sip:c@b SIP/2.0", b"MESSAGE sip:c@b HTTP/1.1"),
        (b"MESSAGE sip:c@b SIP/2.0", b" folded first"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_what_is_no_message(old: bytes, new: bytes) -> None:
    with pytest.raises(BadMessage):
        parse(TEXT.replace(old, new, 1))
    with pytest.raises(BadMessage):
        parse(TEXT + b"x" * LONGEST)


def test_what_follows_the_body_is_not_of_it() -> None:
    assert parse(TEXT + b"and more").body == MESSAGE.body


def test_no_header_smuggles_in_another() -> None:
    with pytest.raises(ValueError, match="end of a line"):
        Request("MESSAGE", "sip:c@b", Headers((*LINES, ("Subject", "a\r\nExpires: 0")))).encode()


def test_the_first_hop() -> None:
    via = top_via(Headers((("v", "SIP / 2.0 / TCP [::1]:5060 ;RPORT; branch=z9 , SIP/2.0/UDP b;branch=c"),)))
    assert (via.transport, via.sent_by) == ("TCP", "[::1]:5060")
    assert via.parameters == {"rport": "", "branch": "z9"}
    assert cseq_of(Headers((("CSeq", "7  REGISTER"),))) == (7, "REGISTER")


@given(st.data())
def test_no_bytes_make_it_fall_over(data: st.DataObject) -> None:
    """Anything at all, and what is almost a message: mutated, cut, doubled."""
    noise = data.draw(st.binary(max_size=400))
    at = data.draw(st.integers(0, len(TEXT)))
    until = data.draw(st.integers(at, len(TEXT)))
    for bad in (noise, TEXT[:at] + noise + TEXT[until:], TEXT[:until] + TEXT[at:]):
        try:
            message = parse(bad)
        except BadMessage:
            continue
        assert len(message.body) <= len(bad)
        assert parse(message.encode()).headers.get("Call-ID") == message.headers.get("Call-ID")


@given(st.lists(st.sampled_from([TEXT, b"\r\n\r\n", b"\r\n"]), max_size=6), st.data())
def test_a_stream_is_cut_where_messages_end(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts) + TEXT
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))

    async def run() -> list[bytes]:
        reader = asyncio.StreamReader(limit=LONGEST)
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            reader.feed_data(stream[begin:end])
        reader.feed_eof()
        found = []
        while True:
            try:
                found.append(await read_message(reader))
            except asyncio.IncompleteReadError:
                return found

    assert asyncio.run(run()) == [TEXT] * (parts.count(TEXT) + 1)


@given(st.binary(max_size=600))
def test_a_stream_of_anything_ends(noise: bytes) -> None:
    async def run() -> None:
        reader = asyncio.StreamReader(limit=256)
        reader.feed_data(noise + b"\r\n\r\n")
        reader.feed_eof()
        for _ in range(len(noise) + 2):
            await read_message(reader)

    with pytest.raises((asyncio.IncompleteReadError, ValueError)):
        asyncio.run(run())
