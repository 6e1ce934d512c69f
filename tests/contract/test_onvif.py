"""What is said to an ONVIF camera, and what becomes of its answers, against a strict one."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from deploy.simulators.onvif_camera import PASSWORD, USER, OnvifCamera
from deploy.simulators.onvif_soap import NOTIFY, SCHEMA
from deploy.simulators.onvif_streams import Stream, streams
from deploy.simulators.server import Fault
from ingest.onvif import Device, Profile, User
from lianfang.clock import ManualClock
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.channels import silent
from tests.support.delivery import until

RTSP = "rtsp://127.0.0.1:554/live?a=1&b=2"
LOOPBACK = (ip_network("127.0.0.0/8"),)
LOGIN = (USER, PASSWORD)
Test = Callable[[OnvifCamera, Device], Awaitable[None]]


def at_camera(test: Test, login: tuple[str, str] | None = LOGIN, **simulated: Any) -> None:  # noqa: ANN401
    async def run() -> None:
        camera = OnvifCamera(streams(RTSP), say=silent, **simulated)
        async with camera, Device(camera.url, login, networks=LOOPBACK) as device:
            await test(camera, device)

    asyncio.run(run())


@pytest.mark.parametrize(
    "simulated",
    [
        {},
        {"http_digest": True},
        {"ahead": timedelta(hours=-30)},
        {"ahead": timedelta(days=9000)},
        {"says_host": "192.168.1.64"},
    ],
    ids=["digest", "digest of HTTP too", "a day behind", "in 2051", "behind an address translation"],
)
def test_a_camera_says_what_it_is(simulated: dict[str, Any]) -> None:
    async def test(_camera: OnvifCamera, device: Device) -> None:
        said = await device.information()
        assert (said.make, said.model, said.serial) == ("lianfang", "枪机 SIM-1", "1")
        assert await device.profiles() == [
            Profile("main", "main", "lens", "H264", 1920, 1080, 25),
            Profile("sub", "sub", "lens", "H264", 640, 360, 25),
        ]
        assert await device.stream("sub") == RTSP
        assert await device.stream("main", "udp") == RTSP
        assert await device.users() == [User(USER, "Administrator")]

    at_camera(test, **simulated)


def test_the_time_is_told_to_everybody_and_set_by_who_may() -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        said = await device.time()
        assert said.ahead_s == pytest.approx(3600, abs=said.unsure_s + 0.01)
        assert (said.kind, said.zone, said.daylight_saving) == ("manual", "CST-8", False)
        await device.set_time(datetime.now(UTC))
        assert abs((await device.time()).ahead_s) < 2
        await device.set_ntp("10.0.0.7")
        assert (camera.ntp_server, (await device.time()).kind) == ("10.0.0.7", "ntp")
        await device.set_ntp("ntp.site")
        assert (camera.ntp_server, camera.zone) == ("ntp.site", "CST-8")
        assert await device.users() == [User(USER, "Administrator")], "it logs in by the new time"

    at_camera(test, ahead=timedelta(hours=1))

    async def nobody(_camera: OnvifCamera, device: Device) -> None:
        assert (await device.time()).kind == "manual"
        with pytest.raises(PermanentError, match="refused"):
            await device.set_ntp("10.0.0.7")

    at_camera(nobody, login=None)


@pytest.mark.parametrize("http_digest", [False, True])
def test_a_password_is_changed_and_used_from_then_on(*, http_digest: bool) -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        with pytest.raises(PermanentError, match="weak"):
            await device.set_password(USER, "12345678")
        with pytest.raises(PermanentError, match="'nobody'"):
            await device.set_password("nobody", "p@ss<w>&2027")
        await device.set_password(USER, "p@ss<w>&2027王")
        assert camera.users == {USER: "p@ss<w>&2027王"}
        assert len(await device.profiles()) == 2

    at_camera(test, http_digest=http_digest)


@pytest.mark.parametrize(
    ("login", "simulated", "said"),
    [
        ((USER, "wrong"), {}, "user name or password refused: Sender not authorized"),
        (("root", PASSWORD), {}, "user name or password refused: Sender not authorized"),
        (None, {}, "user name or password refused: Sender not authorized"),
        ((USER, "wrong"), {"http_digest": True}, "user name or password refused (401)"),
    ],
)
def test_who_is_not_let_in(
    login: tuple[str, str] | None, simulated: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(_camera: OnvifCamera, device: Device) -> None:
        with pytest.raises(PermanentError) as refused:
            await device.profiles()
        assert str(refused.value) == said

    with caplog.at_level(logging.DEBUG):
        at_camera(test, login, **simulated)
    assert not any(password in caplog.text for password in (PASSWORD, "wrong"))


def test_a_message_that_is_sent_again_by_somebody_else_is_refused() -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        heard: list[Any] = []
        lets_in = camera._door.lets_in
        camera._door.lets_in = lambda security, now: heard.append(security) or lets_in(security, now)  # type: ignore[func-returns-value, method-assign]
        await device.users()
        with pytest.raises(Exception, match="not authorized"):
            lets_in(heard[0], camera.now())

    at_camera(test)


def test_events_come_as_they_happen_and_a_restart_ends_them() -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        async with device.events(wait_s=5) as events:
            first = await events.pull()
            assert [(event.topic, event.first, dict(event.data)) for event in first] == [
                ("RuleEngine/CellMotionDetector/Motion", True, {"IsMotion": "false"}),
                ("RuleEngine/TamperDetector/Tamper", True, {"IsTamper": "false"}),
            ]
            waiting = asyncio.create_task(events.pull())
            await until(lambda: camera.asked.count("PullMessages") == 2)
            camera.tamper(True)
            (event,) = await waiting
            assert (event.topic, event.first) == ("RuleEngine/TamperDetector/Tamper", False)
            assert (event.data, event.source) == (
                {"IsTamper": "true"},
                {"VideoSourceConfigurationToken": "lens"},
            )
            assert event.at is not None
            assert abs(event.at - camera.now()) < timedelta(seconds=30)
            camera.pull_points.forget()
            with pytest.raises(TransientError, match="no such pull point"):
                await events.pull()

    at_camera(test)


def test_a_subscription_is_renewed_on_the_way_and_ended() -> None:
    async def run() -> None:
        clock = ManualClock(datetime(2026, 7, 1, tzinfo=UTC))
        camera = OnvifCamera(streams(RTSP), say=silent, says_host="10.9.8.7")
        async with camera, Device(camera.url, LOGIN, networks=LOOPBACK, clock=clock) as device:
            async with device.events(wait_s=0.01) as events:
                await events.pull()
                assert camera.pull_points.renewed == 0
                clock.advance_to(clock.now() + timedelta(seconds=31))
                assert await events.pull() == []
                assert (camera.pull_points.renewed, camera.pull_points.open) == (1, 1)
            assert camera.pull_points.open == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Fault("status", 404, body="nothing here"), PermanentError, "answered 404: nothing here"),
        (
            Fault("status", 302, {"Location": "http://169.254.169.254/"}),
            PermanentError,
            "answered 302: redirects are not followed",
        ),
        (Fault("status", 500, body="<html>"), TransientError, "no answer of ONVIF: "),
        (Fault("status", 200, body="<a/>"), TransientError, "no answer of ONVIF: "),
        (Fault("status", 200), TransientError, "answered 200, no answer of ONVIF"),
        (Fault("close"), TransientError, "the connection broke: "),
        (Fault("garbage"), TransientError, "not an HTTP answer: "),
    ],
)
def test_what_goes_wrong_is_said(fault: Fault, kind: type[LianfangError], said: str) -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        camera.misbehave(fault)
        with pytest.raises(kind) as wrong:
            await device.time()
        assert str(wrong.value).startswith(said)
        assert (await device.time()).kind == "manual"

    at_camera(test)


def test_a_name_in_an_answer_that_would_be_opened_is_not() -> None:
    evil = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'

    async def test(camera: OnvifCamera, device: Device) -> None:
        camera.misbehave(Fault("status", 200, body=evil))
        with pytest.raises(TransientError, match="no answer of ONVIF"):
            await device.time()

    at_camera(test)


def test_whatever_a_device_answers_it_is_a_fault_of_its_own() -> None:
    """Answers with parts cut out, doubled, made long, swapped: never anything but an error that is known."""
    numbers = random.Random(7)  # noqa: S311

    class Liar(OnvifCamera):
        lies = False

        async def _serve(self, request: web.Request) -> web.StreamResponse:
            answer = await super()._serve(request)
            assert isinstance(answer, web.Response)
            if self.lies:
                answer.body = _spoilt(bytes(answer.body), numbers)  # type: ignore[arg-type]
            return answer

    async def run() -> None:
        camera = Liar(streams(RTSP), say=silent)
        async with camera, Device(camera.url, LOGIN, networks=LOOPBACK) as device:
            await device.profiles()
            camera.lies = True
            asked = (device.profiles, device.information, device.users, device.time, device.stream)
            for i in range(300):
                question: Any = asked[i % len(asked)]
                try:
                    await (question("sub") if question == device.stream else question())
                except (TransientError, PermanentError):
                    continue

    asyncio.run(run())


def _spoilt(body: bytes, numbers: random.Random) -> bytes:
    text = body.decode()
    for _ in range(numbers.randint(1, 3)):
        begin = numbers.randrange(len(text))
        end = min(len(text), begin + numbers.randint(1, 60))
        piece = text[begin:end]
        what = numbers.choice(
            ["", piece * 2, "9" * 400, "-1", "<a/>", SCHEMA, NOTIFY, "\u4e2d", "&#0;", "]]>"]
        )
        text = text[:begin] + what + text[end:]
    return text.encode()


def test_profiles_that_make_no_sense_are_left_out() -> None:
    async def test(camera: OnvifCamera, device: Device) -> None:
        camera.streams = {
            "wide": Stream("wide", RTSP, 99_999, 1080),
            "": Stream("", RTSP, 640, 360),
            "主码流": Stream("主码流", RTSP, 2560, 1440, "H265"),
        }
        (only,) = await device.profiles()
        assert (only.token, only.encoding, only.pixels) == ("主码流", "H265", 2560 * 1440)

    at_camera(test)


def test_only_where_something_may_be() -> None:
    async def run() -> None:
        async with Device("http://127.0.0.1:1", LOGIN, networks=()) as device:
            with pytest.raises(TransientError, match=r"127\.0\.0\.1 is no public address"):
                await device.time()

    asyncio.run(run())
