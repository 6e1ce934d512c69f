"""A SIP user agent over real sockets: what it repeats, what it believes, what it answers."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.gb28181.session import Names, Session
from alerts.sip.agent import Agent, TooLong
from alerts.sip.link import Server, Transport
from alerts.sip.message import Request, parse
from deploy.simulators import sip
from deploy.simulators.sip_server import Back, Meet, stream_server
from lianfang.clock import SystemClock
from lianfang.errors import TransientError
from tests.support.delivery import until
from tests.support.sip import LOGIN, TO, URI, agent_of, any_socket, ok, sip_at

BOTH = pytest.mark.parametrize("transport", ["udp", "tcp"])


def with_server(
    meet: Meet, test: Callable[[Agent], Awaitable[None]], transport: Transport = "udp", **agent: float
) -> None:
    """Run ``test`` with an agent of a server that does to each message what ``meet`` says."""

    async def run() -> None:
        async with sip_at(transport, meet) as server, agent_of(server, **agent) as asking:  # type: ignore[arg-type]
            await test(asking)

    asyncio.run(run())


class Heard:
    """A server that keeps what it hears, and answers from the ``n``-th time on."""

    def __init__(self, answers_from: int = 1) -> None:
        self._from = answers_from
        self.data: list[bytes] = []

    def __call__(self, data: bytes, back: Back) -> None:
        self.data.append(data)
        if len(self.data) >= self._from:
            ok(data, back)

    @property
    def messages(self) -> list[sip.Message]:
        return [sip.parsed(data) for data in self.data]


@BOTH
def test_a_request_and_its_answer(transport: Transport) -> None:
    heard = Heard()

    async def test(agent: Agent) -> None:
        response = await agent.ask("MESSAGE", URI, TO, (("Subject", "x"),), b"body")
        assert response.status == 200

    with_server(heard, test, transport)
    (message,) = heard.messages
    assert (message.uri, message.body, message.get("Subject")) == (URI, b"body", "x")
    assert message.get("From").startswith(f"<{LOGIN.uri}>;tag=")
    assert message.get("To") == f"<{TO}>"
    via = re.fullmatch(r"SIP/2\.0/(\w+) 127\.0\.0\.1:\d+;rport;branch=z9hG4bK\w{16}", message.get("Via"))
    assert via is not None
    assert via[1].lower() == transport


def test_what_is_lost_is_sent_again_as_it_was() -> None:
    heard = Heard(answers_from=4)

    async def test(agent: Agent) -> None:
        assert (await agent.ask("MESSAGE", URI, TO)).status == 200

    with_server(heard, test)
    assert len(heard.data) >= 4
    assert len(set(heard.data)) == 1


def test_a_stream_loses_nothing_and_repeats_nothing() -> None:
    heard = Heard(answers_from=2)

    async def test(agent: Agent) -> None:
        with pytest.raises(TransientError, match=r"no answer within 0\.3 s"):
            await agent.ask("MESSAGE", URI, TO)

    with_server(heard, test, "tcp", timeout_s=0.3)
    assert len(heard.data) == 1


def test_nobody_answers() -> None:
    async def test(agent: Agent) -> None:
        with pytest.raises(TransientError, match=r"no answer within 0\.2 s"):
            await agent.ask("MESSAGE", URI, TO)

    with_server(lambda _data, _back: None, test, timeout_s=0.2)


@BOTH
def test_nobody_listens(transport: Transport) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    async def run() -> None:
        async with agent_of(Server("127.0.0.1", port, transport), timeout_s=0.2) as agent:
            with pytest.raises(TransientError, match="no connection: Connection refused"):
                await agent.ask("MESSAGE", URI, TO)

    asyncio.run(run())


def test_a_name_that_leads_nowhere() -> None:
    async def run() -> None:
        async with agent_of(Server("platform.invalid", 5060, "udp")) as agent:
            with pytest.raises(TransientError, match="no connection: "):
                await agent.ask("MESSAGE", URI, TO)

    asyncio.run(run())


def test_an_address_that_is_not_allowed_is_not_talked_to() -> None:
    heard = Heard()

    def refuse(_info: object) -> socket.socket:
        raise OSError(None, "not there")

    async def run() -> None:
        async with sip_at("udp", heard) as server:
            agent = Agent(server, LOGIN, refuse, lambda _request: (200, "OK"), timeout_s=5)
            with pytest.raises(TransientError, match="no connection: not there"):
                await agent.ask("MESSAGE", URI, TO)

    asyncio.run(run())
    assert heard.data == []


def test_work_in_progress_is_waited_for_and_answers_of_others_are_not_believed() -> None:
    def meet(data: bytes, back: Back) -> None:
        asked = sip.parsed(data)
        back(b"no SIP at all")
        back(bytes(sip.answer(asked, 100, "Trying")))
        for old, new in ((b"branch=z9hG4bK", b"branch=z9hG4bKx"), (b"1 MESSAGE", b"1 REGISTER")):
            back(bytes(sip.answer(asked, 603, "Decline")).replace(old, new))
        back(bytes(sip.answer(asked, 404, "Not Found")))
        ok(data, back)  # too late: it has been answered

    async def test(agent: Agent) -> None:
        agent._number = 0  # so that the CSeq is 1
        assert (await agent.ask("MESSAGE", URI, TO)).status == 404
        assert agent.misheard == 1

    with_server(meet, test)


def test_others_are_not_heard() -> None:
    """Whoever knows our port, and even what we asked, is not the server."""

    def meet(data: bytes, back: Back) -> None:
        del back
        port = int(re.search(rb"127\.0\.0\.1:(\d+)", data)[1])  # type: ignore[index]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(bytes(sip.answer(sip.parsed(data), 200, "OK")), ("127.0.0.1", port))

    async def test(agent: Agent) -> None:
        with pytest.raises(TransientError):
            await agent.ask("MESSAGE", URI, TO)

    with_server(meet, test, timeout_s=0.3)


@pytest.mark.parametrize("algorithm", ["", "MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["", 'qop="auth,auth-int", '])
@pytest.mark.parametrize("status", [401, 407])
def test_a_login_that_is_asked_for(algorithm: str, qop: str, status: int) -> None:
    messages: list[sip.Message] = []
    asked, answered = (
        ("WWW-Authenticate", "Authorization")
        if status == 401
        else ("Proxy-Authenticate", "Proxy-Authorization")
    )

    def meet(data: bytes, back: Back) -> None:
        message = sip.parsed(data)
        messages.append(message)
        if message.get(answered):
            ok(data, back)
            return
        challenge = f'Digest realm="r", {qop}nonce="n"' + (f", algorithm={algorithm}" if algorithm else "")
        back(bytes(sip.answer(message, status, "Login", tag="s", fields={asked: challenge})))

    async def test(agent: Agent) -> None:
        assert (await agent.ask("REGISTER", URI, LOGIN.uri, is_bound=True)).status == 200
        assert (await agent.ask("REGISTER", URI, LOGIN.uri, is_bound=True)).status == 200

    with_server(meet, test)
    first, second, third, _ = messages
    assert len({(m.get("Call-ID"), m.tag("From")) for m in messages}) == 1
    assert first.cseq[0] + 1 == second.cseq[0]
    assert second.cseq[0] + 1 == third.cseq[0]
    given = dict(re.findall(r'(\w+)="?([^",]+)', second.get(answered)))

    def hashed(text: str) -> str:
        return hashlib.new("sha256" if algorithm == "SHA-256" else "md5", text.encode()).hexdigest()

    middle = f"n:{given['nc']}:{given['cnonce']}:auth" if qop else "n"
    right = hashed(f"{hashed('lianfang:r:geheim')}:{middle}:{hashed(f'REGISTER:{URI}')}")
    assert (given["response"], given["username"], given["uri"]) == (right, "lianfang", URI)


def test_a_login_that_is_refused_is_not_tried_for_ever() -> None:
    heard: list[bytes] = []

    def meet(data: bytes, back: Back) -> None:
        heard.append(data)
        fields = {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}
        back(bytes(sip.answer(sip.parsed(data), 401, "Login", fields=fields)))

    async def test(agent: Agent) -> None:
        assert (await agent.ask("REGISTER", URI, LOGIN.uri)).status == 401

    with_server(meet, test)
    assert len(set(heard)) == 2


def test_a_datagram_has_an_end() -> None:
    heard = Heard()

    async def test(agent: Agent) -> None:
        with pytest.raises(TooLong) as caught:
            await agent.ask("MESSAGE", URI, TO, (), b"x" * 1300)
        assert (await agent.ask("MESSAGE", URI, TO, (), b"x" * (1300 - caught.value.over))).status == 200

    with_server(heard, test)
    assert max(map(len, heard.data)) in {1299, 1300}  # its Content-Length may be a digit shorter

    async def long(agent: Agent) -> None:
        assert (await agent.ask("MESSAGE", URI, TO, (), b"x" * 5000)).status == 200

    with_server(heard, long, "tcp")


def test_a_stream_that_breaks_is_known_at_once_and_opened_again() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readuntil(b"\r\n\r\n")
        heard.append(data)
        if len(heard) > 1:
            ok(data, writer.write)
            await reader.read()

    async def run() -> None:
        async with stream_server(serve) as port, agent_of(Server("127.0.0.1", port, "tcp")) as agent:
            with pytest.raises(TransientError, match="the connection broke"):
                await agent.ask("MESSAGE", URI, TO)
            assert (await agent.ask("MESSAGE", URI, TO)).status == 200

    asyncio.run(run())


def test_garbage_in_a_stream_ends_it() -> None:
    async def test(agent: Agent) -> None:
        with pytest.raises(TransientError, match="it sends a message that does not say how long it is"):
            await agent.ask("MESSAGE", URI, TO)

    with_server(lambda _data, back: back(b"HTTP/1.1 400 Bad Request\r\n\r\n"), test, "tcp")


@BOTH
def test_a_request_of_the_server_is_answered_once_and_the_same_again(transport: Transport) -> None:
    asked: list[Request] = []
    answers: list[sip.Message] = []

    def answer(request: Request) -> tuple[int, str]:
        asked.append(request)
        return 405, "Method Not Allowed"

    def meet(data: bytes, back: Back) -> None:
        message = sip.parsed(data)
        if message.status:
            answers.append(message)
            return
        ok(data, back)
        fields = (
            ("Via", "SIP/2.0/UDP platform:5060;rport;branch=z9hG4bKp"),
            ("Via", "SIP/2.0/UDP behind:5060;branch=z9hG4bKb"),
            ("From", f"<{TO}>;tag=p"),
            ("To", f"<{LOGIN.uri}>"),
            ("Call-ID", "c"),
            ("CSeq", "3 INVITE"),
            ("Max-Forwards", "70"),
        )
        request = bytes(sip.Message(fields, method="INVITE", uri=LOGIN.uri))
        back(request)
        back(request)
        back(request.replace(b"INVITE", b"ACK"))  # nobody answers one

    async def run() -> None:
        async with sip_at(transport, meet) as server, agent_of(server, answer=answer) as agent:
            await agent.ask("MESSAGE", URI, TO)
            await until(lambda: len(answers) == 2)

    asyncio.run(run())
    assert len(asked) == 1
    assert bytes(answers[0]) == bytes(answers[1])
    assert (answers[0].status, answers[0].get("Call-ID"), answers[0].cseq) == (405, "c", (3, "INVITE"))
    assert answers[0].tag("To")
    first, second = answers[0].all("Via")
    assert re.fullmatch(r"SIP/2\.0/UDP platform:5060;rport=\d+;received=127\.0\.0\.1;branch=z9hG4bKp", first)
    assert second == "SIP/2.0/UDP behind:5060;branch=z9hG4bKb"


def test_no_repr_shows_the_password() -> None:
    assert "geheim" not in repr(LOGIN)


class Recorder:
    """A way that keeps what is sent."""

    reliable = False
    ends = ("127.0.0.1", 5061), ("127.0.0.1", 5060)

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def close(self) -> None:
        pass


def asked_by(uri: str) -> bytes:
    """Return a question of the platform, with headers that go into the answer."""
    fields = (
        ("Via", "SIP/2.0/UDP platform:5060;rport;branch=z9hG4bKp"),
        ("From", f"<{TO}>;tag=p"),
        ("To", f"<{uri}>"),
        ("Call-ID", "c"),
        ("CSeq", "3 MESSAGE"),
        ("Max-Forwards", "70"),
        ("Content-Type", "Application/MANSCDP+xml"),
    )
    body = (
        '<?xml version="1.0" encoding="GB2312"?>\r\n<Response><CmdType>Alarm</CmdType><SN>7</SN></Response>'
    )
    return bytes(sip.Message(fields, body.encode("gb18030"), method="MESSAGE", uri=uri))


@given(st.data())
def test_no_datagram_makes_an_agent_fall_over(data: st.DataObject) -> None:
    """Anything, and what is almost a question or an answer: each is answered as SIP, or not at all."""
    heard: list[str] = []

    async def run() -> None:
        agents: list[Agent] = []

        def make(answer: Callable[[Request], tuple[int, str]]) -> Agent:
            agents.append(Agent(Server("h", 1, "udp"), LOGIN, any_socket, answer, timeout_s=1))
            return agents[0]

        names = Names("1", LOGIN.uri, URI)
        clock = SystemClock()
        session = Session(
            make,
            names,
            clock,
            ZoneInfo("Asia/Shanghai"),
            lambda: 1,
            lambda *said: heard.extend(said),
            lambda _asked: (),
            declared="GB18030",
            expires_s=3600,
        )
        agent, way = agents[0], Recorder()
        agent._link = way  # type: ignore[assignment]
        good = asked_by(LOGIN.uri)
        noise = data.draw(st.binary(max_size=80))
        at = data.draw(st.integers(0, len(good)))
        until_ = data.draw(st.integers(at, len(good)))
        for bad in (noise, good[:at] + noise + good[until_:], good[:until_] + good[at:]):
            agent.heard(bad)
        for said in way.sent:
            parse(said)
        agent.heard(good.replace(b"z9hG4bKp", b"z9hG4bKq"))
        assert b" 200 OK" in way.sent[-1].split(b"\r\n")[0]
        assert heard[-2:] == ["7", ""]
        await session.close()

    asyncio.run(run())
