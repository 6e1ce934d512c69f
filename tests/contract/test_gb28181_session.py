"""Being registered at a platform of GB/T 28181: Digest, renewed, forgotten, left; and what it asks of us."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from alerts.channels.base import Receipt
from alerts.channels.gb28181 import Gb28181Channel
from alerts.gb28181 import session
from deploy.simulators.gb28181 import CAMERAS, DEVICE, Platform
from lianfang.tasks import end
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.gb28181 import KnownSite, about, answer, with_platform


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownSite:
    return KnownSite(tmp_path, monkeypatch)


@contextlib.asynccontextmanager
async def kept(channel: Gb28181Channel, every_s: float = 0.02):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Keep a session more busily than a configuration allows."""
    keeping = asyncio.create_task(channel.session.keep(every_s))
    try:
        yield
    finally:
        await end(keeping)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", [True, False])
def test_it_registers_however_it_is_asked_for_its_password(
    monkeypatch: pytest.MonkeyPatch,
    transport: Literal["udp", "tcp"],
    algorithm: Literal["MD5", "SHA-256"],
    *,
    qop: bool,
) -> None:
    platform = Platform(transport=transport, algorithm=algorithm, qop=qop, say=silent)

    async def test(_platform: Platform, channel: Gb28181Channel) -> None:
        await channel.session.registered()
        await channel.session.registered()

    with_platform(test, monkeypatch, platform)
    assert (platform.registrations, platform.unregistrations) == (1, 1)


@pytest.mark.parametrize(
    ("told", "offset_s"),
    [
        ("2026-07-01T08:01:30.500", 90.5),  # in Asia/Shanghai
        ("2026-07-01T00:00:00+00:00", 0.0),
        ("Wed, 01 Jul 2026 00:00:10 GMT", 10.0),
        ("soon", None),
        ("", None),
    ],
)
def test_how_others_tell_the_time(told: str, offset_s: float | None) -> None:
    at = session._time(told, ZoneInfo("Asia/Shanghai"))
    now = datetime(2026, 7, 1, tzinfo=UTC)
    assert (None if at is None else (at - now).total_seconds()) == offset_s


def test_its_clock_is_compared_and_written_down(monkeypatch: pytest.MonkeyPatch, site: KnownSite) -> None:
    async def test(_platform: Platform, channel: Gb28181Channel) -> None:
        with capture_logs() as logs:
            await channel.session.registered()
        (offset,) = (log for log in logs if log["event"] == "platform_clock")
        assert (offset["log_level"], offset["offset_s"]) == ("warning", pytest.approx(90, abs=20))
        assert site.offsets == [offset["offset_s"]]

    with_platform(test, monkeypatch, Platform(ahead_s=90, say=silent), site=site)


def test_it_is_kept_and_a_restarted_platform_is_registered_at_again(
    monkeypatch: pytest.MonkeyPatch, site: KnownSite
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        async with kept(channel):
            await until(lambda: platform.keepalives >= 2)
            platform.forget()
            await until(lambda: platform.registrations == 2 and len(site.links) == 2)
            await until(lambda: all(until_ > since for since, until_ in site.links.items()))

    with_platform(test, monkeypatch, site=site)


def test_a_platform_that_answers_no_more_is_registered_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is away for three keepalives and comes back as if it knew us; only a registration makes sure.

    From another socket: by then its name may lead elsewhere, or we may have another address.
    """
    away = False

    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        nonlocal away
        with capture_logs() as logs:
            async with kept(channel):
                await until(lambda: platform.keepalives >= 1)
                away, before = True, channel.session._contact
                await until(lambda: channel.session._agent._link is None)
                away = False
                await until(lambda: platform.registrations == 2)
                assert channel.session._contact != before
                heard = platform.keepalives
                await until(lambda: platform.keepalives > heard)
        told = [log["event"] for log in logs if log["event"] != "platform_clock"]
        assert told == [
            "platform_registered",
            "platform_not_kept",
            "platform_registered",
            "platform_recovered",
        ]

    with_platform(test, monkeypatch, Platform(loses=lambda: away, say=silent), timeout_s=0.1)


def test_a_stream_that_broke_is_another_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about(number="a")), Receipt)
        await channel.session._agent.close()
        assert isinstance(await answer(channel, about(number="b")), Receipt)
        assert platform.registrations == 2

    with_platform(test, monkeypatch, Platform(transport="tcp", say=silent))


def test_a_registration_is_renewed_at_half_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        async with kept(channel):
            await until(lambda: platform.registrations == 3)
        assert "platform_recovered" not in platform.refused

    with_platform(test, monkeypatch, Platform(grants_s=1, say=silent))


def test_a_platform_that_wants_longer_registrations(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        assert isinstance(await answer(channel, about()), Receipt)
        assert [why for why in platform.refused if "423" in why] == ["423 REGISTER: Interval Too Brief"]

    with_platform(test, monkeypatch, Platform(least_s=600, say=silent), expires_s=120)


def test_a_platform_that_does_not_answer_holds_nobody_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    away = False
    monkeypatch.setattr(session, "_LEAVE_S", 0.1)

    async def test(_platform: Platform, channel: Gb28181Channel) -> None:
        nonlocal away
        await channel.session.registered()
        away = True
        async with asyncio.timeout(30):  # half of what it may take to answer anything else
            await channel.close()

    with_platform(test, monkeypatch, Platform(loses=lambda: away, say=silent), timeout_s=60)


def test_it_is_asked_for_its_cameras(monkeypatch: pytest.MonkeyPatch, site: KnownSite) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await channel.session.registered()
        assert await platform.ask("Catalog") == 200
        await until(lambda: len(platform.catalogue) == 2)
        assert platform.catalogue == {CAMERAS[0]: "萳桥 1 号", CAMERAS[1]: "二号"}
        first, second = (body.decode("gb18030") for body in platform.messages)
        assert "<SumNum>2</SumNum>" in first
        assert "<Status>ON</Status>" in first
        assert "<Status>OFF</Status>" in second
        assert "<Longitude>" not in first  # of another datum
        assert [why for why in platform.refused if "log in" not in why] == []

    with_platform(test, monkeypatch, site=site)


@pytest.mark.parametrize(
    ("command", "root", "more", "target", "told"),
    [
        ("DeviceInfo", "Query", "", DEVICE, {"Result": "OK", "DeviceName": "测试社区", "Channel": "2"}),
        ("DeviceStatus", "Query", "", DEVICE, {"Result": "OK", "Online": "ONLINE", "Status": "OK"}),
        ("DeviceControl", "Control", "<AlarmCmd>ResetAlarm</AlarmCmd>", DEVICE, {"Result": "OK"}),
        ("DeviceControl", "Control", "<GuardCmd>SetGuard</GuardCmd>", DEVICE, {"Result": "ERROR"}),
        ("DeviceControl", "Control", "<PTZCmd>A50F01</PTZCmd>", CAMERAS[0], {"Result": "ERROR"}),
        ("DeviceStatus", "Query", "", CAMERAS[0], {"Result": "ERROR"}),
        ("RecordInfo", "Query", "", CAMERAS[0], {"Result": "ERROR"}),
    ],
)
def test_what_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    site: KnownSite,
    command: str,
    root: str,
    more: str,
    target: str,
    told: dict[str, str],
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await channel.session.registered()
        assert await platform.ask(command, root=root, more=more, target=target) == 200
        await until(lambda: command in platform.responses)
        assert told.items() <= platform.responses[command].items()
        assert platform.responses[command]["DeviceID"] == target

    with_platform(test, monkeypatch, site=site)


@pytest.mark.parametrize(
    ("method", "media", "body", "status"),
    [
        ("OPTIONS", "x", b"", 200),
        ("INVITE", "application/sdp", b"v=0", 405),
        ("SUBSCRIBE", "Application/MANSCDP+xml", b"<Query/>", 405),
        ("PUBLISH", "x", b"", 501),
        ("MESSAGE", "text/plain", b"hello", 415),
        ("MESSAGE", "application/manscdp+xml", b"<!DOCTYPE a><Query/>", 400),
        ("MESSAGE", "application/manscdp+xml", b"<Notify><CmdType>Broadcast</CmdType></Notify>", 501),
        ("MESSAGE", "application/manscdp+xml; charset=gb2312", b"<Response/>", 501),
        (
            "MESSAGE",
            "application/manscdp+xml",
            b"<Response><CmdType>Alarm</CmdType><SN>" + b"9" * 5000 + b"</SN></Response>",
            200,
        ),
    ],
    ids=range(9),
)
def test_what_it_does_not_do(
    monkeypatch: pytest.MonkeyPatch, method: str, media: str, body: bytes, status: int
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await channel.session.registered()
        assert await platform.send(body, method, media) == status
        assert isinstance(await answer(channel, about()), Receipt)  # and goes on

    with_platform(test, monkeypatch)


def test_many_questions_at_once_are_not_all_worked_on(
    monkeypatch: pytest.MonkeyPatch, site: KnownSite
) -> None:
    async def test(platform: Platform, channel: Gb28181Channel) -> None:
        await channel.session.registered()
        monkeypatch.setattr(session, "_MOST_ANSWERING", 0)
        assert await platform.ask("Catalog") == 503

    with_platform(test, monkeypatch, site=site)
