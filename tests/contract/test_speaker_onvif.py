"""The loudspeaker of an ONVIF camera: a real server with a back-channel, and what it has heard."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import speaker_onvif
from alerts.channels.base import Receipt, SpeakerStatus
from alerts.voice import sound
from alerts.voice.clips import Clips
from lianfang.clock import SystemClock
from lianfang.config.voice import Voice
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.channels import delivery_of, secret_in_env, speech
from tests.support.delivery import until
from tests.support.g711 import Law, decoded, is_heard
from tests.support.onvif_horn import Horn
from tests.support.rtsp_server import SYSTEM_PYTHON, require_rtsp
from tests.support.voice import tone

DONE = Receipt("accepted", "the device has taken all of it; it does not say what was heard")
USER, PASSWORD = "lianfang", 'odd "pass;word'
LOGIN = ("--user", USER, "--password", PASSWORD)

CALLER = """
import asyncio, sys
from alerts.voice.backchannel import Backchannel
from alerts.voice.sound import RATE
import numpy as np

async def call(url):
    async with Backchannel("/usr/bin/python3", url, "", "", 10) as channel:
        await channel.play(np.full(30 * RATE, 3000, np.int16))

asyncio.run(call(sys.argv[1]))
"""


class Site:
    """A device, and the way to it."""

    def __init__(self, horn: Horn, folder: Path, config: dict[str, Any]) -> None:
        self.horn = horn
        self._recorded = folder / "recorded.wav"
        self._recorded.write_bytes(sound.wav(tone(1)))
        stanza = {"kind": "speaker_onvif", "url": horn.url, "networks": ["127.0.0.0/8"], "timeout_s": 10}
        self.channel = speaker_onvif.build(
            speaker_onvif.Config.model_validate(stanza | config),
            SystemClock(),
            Clips(Voice(), folder / "voice"),
        )

    async def say(self, valid_s: float = 30, **changed: object) -> Receipt | Exception:
        payload = speech(valid_s) | {"clip": str(self._recorded), "repeat": 1, "volume_pct": 100} | changed
        try:
            return await self.channel.send(delivery_of(payload))
        except LianfangError as error:
            return error

    def expected(self, volume_pct: int = 100, repeat: int = 1, law: Law = "a") -> bytes:
        samples = sound.joined(sound.normalised(sound.read(self._recorded), -16), repeat, 60)
        return sound.g711(sound.scaled(samples, volume_pct), law)


def at_site(
    folder: Path,
    test: Callable[[Site], Awaitable[None]],
    *options: str,
    **config: Any,  # noqa: ANN401 - as the configuration has it
) -> None:
    require_rtsp()

    async def run(site: Site) -> None:
        try:
            await test(site)
        finally:
            await site.channel.close()

    with Horn(folder, *options) as horn:
        asyncio.run(run(Site(horn, folder, {"program": SYSTEM_PYTHON} | config)))


@pytest.mark.parametrize("law", ["a", "mu"])
def test_the_device_hears_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, law: Law) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        assert await site.say(repeat=2, volume_pct=30) == DONE
        assert is_heard(site.expected(volume_pct=30, repeat=2, law=law), decoded(site.horn.heard, law), law)

    password = secret_in_env(monkeypatch, PASSWORD)
    at_site(tmp_path, test, "--law", law, *LOGIN, username=USER, password=password)


def test_what_is_late_is_not_said(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=-0.001), PermanentError)
        assert isinstance(await site.say(valid_s=0.05), PermanentError), "over before the device was open"
        assert site.horn.heard == b""

    at_site(tmp_path, test)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--law", "none"), "it has no loudspeaker for us: "),
        (("--law", "opus"), "it has no loudspeaker for us: no back-channel for G.711"),
        (LOGIN, "it does not let us in: "),
    ],
    ids=["no back-channel", "another codec", "no login"],
)
def test_a_device_that_does_not(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, PermanentError)
        assert str(answer).startswith(said)
        assert await site.channel.status() == SpeakerStatus("faulty", detail=str(answer))

    at_site(tmp_path, test, *options)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"url": "rtsp://127.0.0.1:1/live"}, "the device: "),
        ({"networks": []}, "127.0.0.1 is no public address"),
        ({"program": "no-such-program"}, "no program no-such-program"),
        ({"program": "/bin/true"}, "the program that speaks to the device has ended"),
    ],
)
def test_what_is_not_there(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert said in str(answer)

    at_site(tmp_path, test, **config)


def test_a_device_that_goes_away_meanwhile(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=2))
        await until(lambda: task.done() or site.horn.heard.strip(b"\xd5"))
        assert not task.done(), (await task, len(site.horn.heard))
        site.horn.tell(signal.SIGKILL)
        answer = await task
        assert isinstance(answer, TransientError), answer

    at_site(tmp_path, test)


def test_a_device_that_hangs_at_the_end_has_not_taken_it(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        # Long enough for a device that is slow to begin; its end is not waited for.
        task = asyncio.create_task(site.say(repeat=9))
        await until(lambda: task.done() or site.horn.heard.strip(b"\xd5"))
        assert not task.done(), (await task, len(site.horn.heard))
        site.horn.tell(signal.SIGSTOP)
        answer = await task
        assert isinstance(answer, TransientError)
        assert str(answer) == "the device does not answer after it: it may be gone"

    at_site(tmp_path, test, timeout_s=4)


def test_a_stop_is_verified(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: task.done() or site.horn.heard.strip(b"\xd5"))
        assert not task.done(), (await task, len(site.horn.heard))
        assert await site.channel.status() == SpeakerStatus("playing", "delivery-1")
        with pytest.raises(PermanentError, match="not said here"):
            await site.channel.stop("another")
        assert (await site.channel.stop("delivery-1")).outcome == "stopped"
        assert str(await task) == "the speaker says stopped: broken off"
        await asyncio.sleep(0.5)  # what its own buffer holds
        heard = site.horn.heard
        await asyncio.sleep(0.5)
        assert site.horn.heard == heard, "not a word after that"
        assert len(heard) < len(site.expected(repeat=10)) / 2
        assert await site.say() == DONE, "what was broken off takes nothing along"

    at_site(tmp_path, test)


def test_who_is_killed_takes_leave(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        caller = await asyncio.create_subprocess_exec(sys.executable, "-c", CALLER, site.horn.url)
        try:
            await until(lambda: site.horn.heard.strip(b"\xd5"))
        finally:
            caller.kill()
            await caller.wait()
        assert await site.say() == DONE, "the device is free, and says this alone"
        assert is_heard(site.expected(), decoded(site.horn.heard))

    at_site(tmp_path, test)
