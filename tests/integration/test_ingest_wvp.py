"""Cameras of GB/T 28181 behind a WVP platform: its catalogue, its calls, and their pictures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from deploy.simulators.server import Fault
from deploy.simulators.wvp import CHANNEL, DEVICE, PASSWORD, USERNAME, WvpPlatform, channel, device
from ingest.sources.wvp import Config
from lianfang.cli import main
from lianfang.clock import SystemClock
from lianfang.config import Camera
from lianfang.errors import NotLetIn, TransientError
from lianfang.events import CameraReason
from lianfang.reach.wvp import Platform
from lianfang.reach.wvp_catalogue import Listed, channels, devices
from tests.support.channels import silent
from tests.support.http_camera import in_thread
from tests.support.reading import reading
from tests.support.rtsp_server import RtspServer

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def wvp(monkeypatch: pytest.MonkeyPatch) -> Iterator[WvpPlatform]:
    monkeypatch.setenv("WVP", PASSWORD)
    with in_thread(WvpPlatform(say=silent)) as running:
        yield running


def stanza(wvp: WvpPlatform, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a configuration
    login = {"username": USERNAME, "password": {"env": "WVP"}, "networks": ["127.0.0.0/8"]}
    where = {"kind": "wvp", "base_url": wvp.url, "device": DEVICE, "channel": CHANNEL}
    return {"source": {**where, **login, **more}}


def lost(wvp: WvpPlatform, **more: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return why no picture comes."""
    with reading({"gate": stanza(wvp, **more)}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
    state = running.bus.states("gate")[0]
    return state.reason, state.detail


def at_platform(test: Callable[[WvpPlatform, Platform], Awaitable[None]], password: str = PASSWORD) -> None:
    async def run() -> None:
        async with WvpPlatform(say=silent) as simulated:
            platform = Platform(
                simulated.url,
                USERNAME,
                password,
                timeout_s=5,
                ca_file=None,
                networks=LOOPBACK,
                clock=SystemClock(),
            )
            try:
                await test(simulated, platform)
            finally:
                await platform.close()

    asyncio.run(run())


def test_pictures_come_from_a_call_and_anew_after_a_loss(
    wvp: WvpPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        RtspServer() as media,
        caplog.at_level(logging.DEBUG),
        reading({"gate": stanza(wvp)}) as running,
    ):
        wvp.rtsp = media.url
        bus = running.bus
        bus.wait(lambda: len(bus.frames("gate")) >= 3)
        assert wvp.called == [(DEVICE, CHANNEL)]
        wvp.called.clear()
        media.restart()
        bus.wait(lambda: bus.conditions("gate")[-2:] == ["offline", "online"])
        assert wvp.called == [(DEVICE, CHANNEL)]
    assert wvp.called == [(DEVICE, CHANNEL)], "others may look: the platform ends it when nobody does"
    assert "token" not in caplog.text


def test_a_call_is_ended_where_that_is_asked_for(wvp: WvpPlatform) -> None:
    with RtspServer() as media:
        wvp.rtsp = media.url
        with reading({"gate": stanza(wvp, hang_up=True)}) as running:
            running.bus.wait(lambda: running.bus.frames("gate"))
            assert wvp.called == [(DEVICE, CHANNEL)]
    assert wvp.called == []


def test_why_no_picture_comes(wvp: WvpPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "it answers with code 400: 通道不存在"
    assert lost(wvp, channel="34020000001310000099") == (CameraReason.NOT_FOUND, said)
    wvp.catalogue = [(device(DEVICE), [channel(CHANNEL, status="OFF")])]
    assert lost(wvp) == (CameraReason.UNREACHABLE, "it answers with code 100: 点播超时")
    wvp.catalogue = [(device(DEVICE, onLine=False), [channel(CHANNEL)])]
    assert lost(wvp) == (CameraReason.UNREACHABLE, "the device is not registered at the platform")
    wvp.catalogue = [(device(DEVICE), [channel(CHANNEL)])]
    wvp.rtsp = "rtsp://169.254.169.254/rtp/stream"
    assert lost(wvp)[1] == "169.254.169.254 is no public address, and in none of its `networks`"
    wvp.rtsp = "rtsp://127.0.0.1:99999/rtp/stream"
    assert lost(wvp) == (CameraReason.UNREACHABLE, "the platform gives an address that is none")
    wvp.misbehave(Fault("hang"))
    assert lost(wvp, open_timeout_s=0.1, call_s=1)[0] in {CameraReason.UNREACHABLE, CameraReason.TIMED_OUT}
    monkeypatch.setenv("WVP", "wrong")
    said = "the platform does not let us in: 用户名或密码错误"
    assert lost(wvp) == (CameraReason.UNAUTHORIZED, said)
    monkeypatch.delenv("WVP")
    assert lost(wvp)[0] == CameraReason.SECRET_MISSING


def test_a_catalogue_of_many_pages_is_read_to_its_end() -> None:
    async def test(simulated: WvpPlatform, platform: Platform) -> None:
        codes = [f"3402000000131{number:07}" for number in range(1, 204)]
        simulated.catalogue = [(device(DEVICE), [channel(code) for code in codes])]
        found = await channels(platform, DEVICE)
        assert ([row.code for row in found.rows], found.faults) == (codes, [])
        assert simulated.logins == 1
        simulated.forget_logins()
        (only,) = (await devices(platform)).rows
        assert only == Listed(DEVICE, "录像机", True, "lianfang", "SIM", None, None)
        assert simulated.logins == 2

    at_platform(test)


BAD_ROWS: list[tuple[object, str]] = [
    (channel("340200"), "row 1 (东岸): deviceId: "),
    (channel(CHANNEL, deviceId=None), "row 1 (东岸): deviceId: "),
    (channel(CHANNEL, longitude=500), "row 1 (东岸): longitude: "),
    (channel(CHANNEL, latitude="here"), "row 1 (东岸): latitude: "),
    ({"name": "东\n岸"}, "row 1 (东 岸): deviceId: "),
    ({}, "row 1: deviceId: "),
    (None, "row 1: "),
    ("<html>", "row 1: "),
]


@pytest.mark.parametrize(("row", "said"), BAD_ROWS)
def test_a_bad_row_of_a_catalogue_is_named_and_costs_no_other_one(row: object, said: str) -> None:
    async def test(simulated: WvpPlatform, platform: Platform) -> None:
        simulated.catalogue = [(device(DEVICE), [row, channel(CHANNEL, name="西岸")])]
        found = await channels(platform, DEVICE)
        assert [good.name for good in found.rows] == ["西岸"]
        (fault,) = found.faults
        assert fault.startswith(said)
        assert "\n" not in fault

    at_platform(test)


@pytest.mark.parametrize(
    ("status", "online"),
    [("ON", True), ("OFF", False), (True, True), (False, False), (1, True), (0, False), (None, False)],
)
def test_a_status_is_read_as_platforms_of_any_age_write_it(*, status: object, online: bool) -> None:
    async def test(simulated: WvpPlatform, platform: Platform) -> None:
        simulated.catalogue = [(device(DEVICE), [channel(CHANNEL, status=status)])]
        assert [row.online for row in (await channels(platform, DEVICE)).rows] == [online]

    at_platform(test)


def test_what_is_no_answer_of_the_platform() -> None:
    async def test(simulated: WvpPlatform, platform: Platform) -> None:
        for fault in (Fault("status", 200, body="<html>"), Fault("status", 500), Fault("garbage")):
            simulated.misbehave(fault)
            with pytest.raises(TransientError):
                await platform.play(DEVICE, CHANNEL, 5)
        simulated.rtsp = "http://127.0.0.1/stream"
        with pytest.raises(TransientError, match="rtsp"):
            await platform.play(DEVICE, CHANNEL, 5)

    at_platform(test)

    async def nobody(_simulated: WvpPlatform, platform: Platform) -> None:
        with pytest.raises(NotLetIn):
            await devices(platform)

    at_platform(nobody, "wrong")


def test_the_catalogue_as_stanzas(wvp: WvpPlatform, capsys: pytest.CaptureFixture[str]) -> None:
    recorder, speaker = "34020000001180000002", "34020000001370000001"
    wvp.catalogue = [
        (device(DEVICE), [channel(CHANNEL, name="东岸"), channel(speaker, name="音柱"), {"name": "坏"}]),
        (device("bad", name="坏设备"), []),
        (device(recorder, onLine=False), [channel("34020000001320000009", name="a: [b]", status="OFF")]),
    ]
    login = ["--user", USERNAME, "--password-env", "WVP"]
    assert main(["cameras", "list-wvp", wvp.url, *login]) == 0
    shown = capsys.readouterr()
    cameras = yaml.safe_load(shown.out)["cameras"]
    first, second = cameras.values()
    source = {"kind": "wvp", "base_url": wvp.url, "username": USERNAME, "password": {"env": "WVP"}}
    assert first == {
        "name": "东岸",
        "point": "TODO",
        "device_code": CHANNEL,
        "source": {**source, "device": DEVICE, "channel": CHANNEL},
    }
    assert second["name"] == "a: [b]"
    Config.model_validate(first["source"])
    Camera.model_validate({**first, "point": "gate"})
    assert f"# - no camera: {speaker} 音柱 " in shown.out
    assert "# - skipped: row 3 (坏): deviceId: " in shown.out
    assert "# skipped: row 2 (坏设备): deviceId: " in shown.out
    assert PASSWORD not in shown.out.replace(USERNAME, "")
    assert main(["cameras", "list-wvp", wvp.url, "--user", "a", "--password-env", "WVP"]) == 1
    assert "does not let us in" in capsys.readouterr().err
