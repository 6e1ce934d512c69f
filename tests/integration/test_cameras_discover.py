"""Cameras are found on the network, asked what they are, and written as stanzas for a configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from deploy.cameras.command import SUBCOMMANDS
from deploy.simulators.onvif_camera import PASSWORD, USER, OnvifCamera
from deploy.simulators.onvif_streams import Stream, streams
from deploy.simulators.ws_discovery import Findable
from ingest.onvif.discovery import Found, discover, matches
from lianfang.cli import main
from tests.support.channels import silent

RTSP = "rtsp://127.0.0.1:8554/live"


def at_camera(test: Callable[[OnvifCamera, Findable], Awaitable[None]], *given: Stream) -> None:
    async def run() -> None:
        async with OnvifCamera(given or streams(RTSP), say=silent) as camera:
            where = f"{camera.url}/onvif/device_service http://192.168.7.7/onvif/device_service"
            async with Findable(where, name="东岸 1") as findable:
                await test(camera, findable)

    asyncio.run(run())


async def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = await asyncio.to_thread(
        main, ["cameras", "discover", "--interface", "lo", "--wait", "0.4", *arguments]
    )
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_a_camera_that_answers_is_found_once() -> None:
    async def test(camera: OnvifCamera, findable: Findable) -> None:
        found = await discover(0.4, ["lo"], port=findable.port)
        assert found == [Found("127.0.0.1", f"{camera.url}/onvif/device_service", "东岸 1", "SIM-1")]
        assert findable.heard == 2, "a datagram may be lost"
        assert await discover(0.1, ["lo"], port=1) == []
        with pytest.raises(OSError, match="no interface"):
            await discover(0.1, ["nothing0"])

    at_camera(test)


def test_what_was_found_is_asked_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMERAS", PASSWORD)

    async def test(camera: OnvifCamera, findable: Findable) -> None:
        login = ("--user", USER, "--password-env", "CAMERAS")
        code, out, _ = await said(capsys, "--port", str(findable.port), *login)
        url = f"{camera.url}/onvif/device_service"
        assert code == 0
        assert out.splitlines()[:3] == [
            f"# {url} lianfang 枪机 SIM-1 1.0",
            "# - profile main: H264 1920x1080, 25/s, lens lens",
            "# - profile sub: H264 640x360, 25/s, lens lens",
        ]
        source = {"kind": "onvif", "url": url, "username": USER, "password": {"env": "CAMERAS"}}
        assert yaml.safe_load(out) == {
            "cameras": {"cam_127_0_0_1": {"name": "东岸 1", "point": "TODO", "source": source}}
        }
        assert PASSWORD not in out
        code, out, _ = await said(capsys, camera.url, camera.url)
        assert list(yaml.safe_load(out)["cameras"]) == ["cam_127_0_0_1", "cam_127_0_0_1_2"]
        assert "GetProfiles" in camera.asked

    at_camera(test)


def test_a_recorder_is_a_camera_a_lens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMERAS", PASSWORD)

    async def test(camera: OnvifCamera, _findable: Findable) -> None:
        code, out, _ = await said(capsys, camera.url, "--user", USER, "--password-env", "CAMERAS")
        assert code == 0
        cameras = yaml.safe_load(out)["cameras"]
        assert [camera["source"]["lens"] for camera in cameras.values()] == ["ch1", "ch2"]

    one, two = (Stream(f"main{n}", RTSP, 1920, 1080, lens=f"ch{n}") for n in (1, 2))
    at_camera(test, one, two)


@pytest.mark.parametrize(
    ("arguments", "code", "said_"),
    [
        (("--user", "admin"), 2, "a login needs --user, and one of --password-env and --password-file"),
        (("--password-env", "PATH"), 2, "a login needs --user"),
        (("--user", "a", "--password-env", "NOT_SET"), 2, "environment variable NOT_SET is unset or empty"),
        (("--interface", "nothing0"), 2, "no interface 'nothing0'; there are "),
        (("--port", "1"), 1, "nobody answered"),
        (("http://",), 2, "no address; allowed"),
    ],
)
def test_what_goes_wrong_is_said(
    arguments: tuple[str, ...], code: int, said_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, out, err = asyncio.run(said(capsys, *arguments))
    assert (ended, out) == (code, "")
    assert said_ in err


def test_a_camera_that_does_not_let_us_in_is_a_comment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("wrong")

    async def test(camera: OnvifCamera, findable: Findable) -> None:
        login = ("--user", USER, "--password-file", str(tmp_path / "password"))
        code, out, _ = await said(capsys, "--port", str(findable.port), *login)
        assert (code, out.splitlines()) == (
            0,
            [
                f"# {camera.url}/onvif/device_service 东岸 1 SIM-1",
                "# - user name or password refused: Sender not authorized",
            ],
        )

    at_camera(test)


ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:d='
    '"http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Body><d:ProbeMatches><d:ProbeMatch>'
    "<d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
)
NAME = "onvif://www.onvif.org/name/"


@pytest.mark.parametrize(
    ("addresses", "scopes", "url", "name", "calls_itself"),
    [
        ("http://10.0.0.9/onvif/x", f"{NAME}a%20b", "http://10.0.0.9/onvif/x", "a b", ""),
        ("https://10.0.0.9:8443/x", f"{NAME}a", "https://10.0.0.9:8443/x", "a", ""),
        # Where it says another address, the one that answered counts.
        ("http://192.168.1.64:80/x", "", "http://10.0.0.9:80/x", "", "http://192.168.1.64:80/x"),
        ("http://169.254.169.254/latest", "", "http://10.0.0.9/latest", "", "http://169.254.169.254/latest"),
        ("file:///etc/passwd", "", "http://10.0.0.9/etc/passwd", "", "file:///etc/passwd"),
        ("http://[bad", "", "http://10.0.0.9", "", "http://[bad"),
        ("", "", "http://10.0.0.9", "", ""),
        ("http://10.0.0.9", f"{NAME}a%0Ab%1B%5B31m", "http://10.0.0.9", "a b[31m", ""),
    ],
)
def test_a_device_is_taken_where_it_answered_from(
    addresses: str, scopes: str, url: str, name: str, calls_itself: str
) -> None:
    datagram = ENVELOPE.format(addresses=addresses, scopes=scopes).encode()
    assert list(matches(datagram, "10.0.0.9")) == [Found("10.0.0.9", url, name, "", calls_itself)]


@pytest.mark.parametrize(
    "datagram",
    [b"", b"\x00\xff", b"<a/>", b"<a", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
)
def test_any_other_datagram_is_nothing(datagram: bytes) -> None:
    assert list(matches(datagram, "10.0.0.9")) == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_is_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cameras", name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: lianfang cameras {name} ")
