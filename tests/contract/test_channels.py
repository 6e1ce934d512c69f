"""What every channel makes of each answer: the real client, over sockets, against the strict simulators.

All channels meet the same faults and must come to the same conclusions.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from alerts.channels.base import Receipt
from deploy.simulators.server import Fault
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import retry_after_s
from tests.support.certificates import self_signed
from tests.support.channels import BOTH, TOKEN, WEBHOOK, Kind, answer_to, delivery_of, send, served
from tests.support.outbox import T0


@BOTH
def test_a_receiver_that_answers_as_it_should(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answer_to(kind, monkeypatch, None)
    assert isinstance(answer, Receipt)
    assert answer.outcome == ("200" if kind is WEBHOOK else "finished")


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 451])
def test_a_refusal_is_final(kind: Kind, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    error = answer_to(kind, monkeypatch, Fault("status", status, body='{"detail": "没有  这个\n点位"}'))
    assert isinstance(error, PermanentError)
    assert not error.disable
    assert str(error) == f'answered {status}: {{"detail": "没有 这个 点位"}}'


@BOTH
def test_410_asks_never_to_be_called_again(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    error = answer_to(kind, monkeypatch, Fault("status", 410, body="gone"))
    assert isinstance(error, PermanentError)
    assert error.disable


@BOTH
@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_trouble_may_pass(kind: Kind, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    error = answer_to(kind, monkeypatch, Fault("status", status, body="busy"))
    assert isinstance(error, TransientError)
    assert str(error) == f"answered {status}: busy"
    assert error.retry_after_s is None


@BOTH
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999999999999999", 3600.0),  # capped: nobody is silenced for years
        ("soon", None),  # nonsense is ignored
        ("-5", None),
        ("1.5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),  # in the past: now
        ("Tue, 19 Jan 2099 03:14:07 GMT", 3600.0),
    ],
)
def test_retry_after_is_honoured(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, status: int, header: str, seconds: float | None
) -> None:
    error = answer_to(kind, monkeypatch, Fault("status", status, {"Retry-After": header}))
    assert isinstance(error, TransientError)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (format_datetime(T0 + timedelta(seconds=90), usegmt=True), 90.0),
        ("Sun Jun  1 08:01:30 2025", None),  # a date without a zone could mean anything
        ("٣", None),  # a digit, but not one of HTTP's
        ("", None),
        (None, None),
    ],
)
def test_retry_after_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, T0) == seconds


@BOTH
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("hang"), "no answer within 0.3 s"),
        (Fault("close"), "the connection broke"),
        (Fault("lost"), "the connection broke"),  # it was done, but nobody said so: not delivered
        (Fault("garbage"), "not an HTTP answer"),
        (Fault("late", delay_s=30), "no answer within 0.3 s"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_silence_and_nonsense_may_pass(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, fault: Fault, message: str
) -> None:
    impatient = {"timeout_s": 0.3} if fault.kind in {"hang", "late"} else {}
    error = answer_to(kind, monkeypatch, fault, **impatient)
    assert isinstance(error, TransientError)
    assert str(error).startswith(message)


@BOTH
def test_an_answer_that_is_late_but_in_time(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(answer_to(kind, monkeypatch, Fault("late", delay_s=0.05)), Receipt)


@BOTH
def test_nobody_listens(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    (error,) = asyncio.run(send(kind.channel(url, monkeypatch), delivery_of(kind.payload())))
    assert isinstance(error, TransientError)
    assert str(error).startswith("no connection: ")


@BOTH
def test_no_such_host(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://receiver.invalid"
    (error,) = asyncio.run(send(kind.channel(url, monkeypatch), delivery_of(kind.payload())))
    assert isinstance(error, TransientError)


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(kind: Kind, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    async def run() -> tuple[Receipt | Exception, int]:
        async with kind.simulator() as elsewhere, kind.simulator() as simulator:
            simulator.misbehave(Fault("status", status, {"Location": elsewhere.url}))
            (answer,) = await send(kind.channel(simulator.url, monkeypatch), delivery_of(kind.payload()))
            return answer, elsewhere.requests

    answer, elsewhere = asyncio.run(run())
    assert isinstance(answer, PermanentError)
    assert str(answer) == f"answered {status}: redirects are not followed"
    assert elsewhere == 0


@BOTH
def test_tls_to_a_receiver_that_speaks_none(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Receipt | Exception:
        async with kind.simulator() as simulator:
            url = simulator.url.replace("http://", "https://")
            (answer,) = await send(kind.channel(url, monkeypatch), delivery_of(kind.payload()))
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert str(answer).startswith("no TLS connection: ")


@BOTH
def test_an_endless_answer_is_cut(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        while True:
            await response.write(b"no! " * 4096)
            sent += 4 * 4096

    async def run() -> Receipt | Exception:
        async with served(endless) as url:
            (answer,) = await send(kind.channel(url, monkeypatch), delivery_of(kind.payload()))
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, PermanentError)
    assert str(answer).startswith("answered 400: no! no! ")
    assert len(str(answer)) < 250
    assert sent < 64 * 2**20  # what the buffers of two sockets hold, not what would fit into memory


@BOTH
def test_a_bomb_stays_small(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault("status", 500, {"Content-Encoding": "gzip"}, body="not gzip at all")
    error = answer_to(kind, monkeypatch, fault)
    assert str(error) == "answered 500: not gzip at all"


@BOTH
def test_what_a_receiver_says_fits_into_one_line(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "line\r\n\x1b[31mred\x00 http://user:geheim@camera/?token=geheim " + "x" * 500
    error = answer_to(kind, monkeypatch, Fault("status", 400, body=body))
    assert str(error).isprintable()
    assert "geheim" not in str(error)
    assert len(str(error)) < 250


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@BOTH
@pytest.mark.parametrize("trusted", [False, True])
def test_certificates(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, certificate: Path, *, trusted: bool
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"id": "delivery-1", "outcome": "finished"})

    async def run() -> Receipt | Exception:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        extra = {"ca_file": certificate} if trusted else {}
        async with served(answer, tls) as url:
            (got,) = await send(kind.channel(url, monkeypatch, **extra), delivery_of(kind.payload()))
            return got

    got = asyncio.run(run())
    if trusted:
        assert isinstance(got, Receipt)
    else:
        assert isinstance(got, TransientError)  # somebody will renew it
        assert str(got).startswith("its certificate is not trusted: ")


@BOTH
def test_no_message_shows_a_secret(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=400, text=request.headers.get("Authorization", "nothing"))

    async def run(url: str) -> list[Receipt | Exception]:
        return await send(kind.channel(url, monkeypatch), delivery_of(kind.payload()))

    (unreachable,) = asyncio.run(run("http://127.0.0.1:1/?token=geheim"))
    assert "geheim" not in str(unreachable)

    async def echoed() -> Receipt | Exception:
        async with served(echo) as url:
            (answer,) = await run(url)
            return answer

    assert TOKEN not in str(asyncio.run(echoed()))
