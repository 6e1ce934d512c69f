"""The GB/T 28181 speaker behind a WVP platform: called over the wire, and only its taking the call counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import speaker_wvp
from alerts.channels.base import Channel, Receipt, SpeakerStatus
from alerts.voice.clips import Clips
from deploy.simulators.server import Fault
from deploy.simulators.speaker_wvp import CHANNEL, DEVICE, SECRET, WvpSimulator
from deploy.simulators.wvp import PASSWORD, USERNAME
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.contract.speaker_contract import SoundSpeakerContract
from tests.support.channels import secret_in_env, silent
from tests.support.delivery import until
from tests.support.sound_site import SoundSite, at_device

DONE = Receipt("accepted", "the device was on the line to its end; it does not say what was heard")
SILENCE = b"\xd5"  # A-law
Site = SoundSite[WvpSimulator]


def at_site(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Site], Awaitable[None]],
    config: dict[str, Any] | None = None,
    **simulated: Any,  # noqa: ANN401 - as the simulator takes it
) -> None:
    """Run ``test`` at a platform with a speaker."""

    def build(url: str, clips: Clips) -> Channel:
        stanza = {
            "kind": "speaker_wvp",
            "base_url": url,
            "networks": ["127.0.0.0/8"],
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, PASSWORD),
            "media_url": url,
            "media_secret": secret_in_env(monkeypatch, SECRET),
            "device": DEVICE,
            "channel": CHANNEL,
            **(config or {}),
        }
        return speaker_wvp.build(speaker_wvp.Config.model_validate(stanza), SystemClock(), clips)

    at_device(tmp_path, WvpSimulator(say=silent, **simulated), build, test)


class TestPromises(SoundSpeakerContract[WvpSimulator]):
    done, shut = DONE, "the platform does not let us in: 用户名或密码错误"
    stopped = Receipt("stopped", "the call is over")
    at_site = staticmethod(at_site)

    def has_begun(self, site: Site) -> object:
        return site.device.heard.strip(SILENCE)

    def was_heard(self, site: Site) -> bool:
        return site.expected() in site.device.heard

    def is_silent(self, site: Site) -> bool:
        return site.expected() not in site.device.heard

    def disobey(self, device: WvpSimulator) -> None:
        device.obeys_stop = False


@pytest.mark.parametrize("answer_after_s", [0.0, 1.0], ids=["at once", "late"])
@pytest.mark.parametrize("asks_login", [True, False], ids=["login", "open"])
def test_the_device_hears_it_from_its_first_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer_after_s: float, *, asks_login: bool
) -> None:
    async def test(site: Site) -> None:
        assert await site.say() == DONE
        assert site.expected() in site.device.heard, "not a word went out before it was on the line"
        assert site.device.refused == []
        await until(lambda: not site.device.busy)

    at_site(tmp_path, monkeypatch, test, answer_after_s=answer_after_s, asks_login=asks_login)


def test_how_often_how_loud_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        await site.say(repeat=2, volume_pct=30)
        assert site.expected(volume_pct=30, repeat=2) in site.device.heard
        await site.say(repeat=9, max_s=2)
        cut = site.expected(repeat=9, max_s=2)
        assert len(cut) == pytest.approx(2 * 8000, abs=50)
        assert cut in site.device.heard

    at_site(tmp_path, monkeypatch, test)


def test_one_login_serves_until_its_token_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        for _ in range(2):
            assert await site.say() == DONE
        assert site.device.logins == 1
        site.device.forget_logins()
        assert await site.say() == DONE
        assert site.device.logins == 2

    at_site(tmp_path, monkeypatch, test)


def test_the_platform_says_success_and_the_device_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        site.device.takes_calls = False
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer) == "the device did not take the call within 1 s"
        assert site.device.heard.strip(SILENCE) == b"", "nothing but silence was sent"

    at_site(tmp_path, monkeypatch, test, config={"answer_s": 1})


def test_a_call_that_is_not_taken_in_time_is_not_spoken_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=1), TransientError)
        assert site.device.heard.strip(SILENCE) == b""

    at_site(tmp_path, monkeypatch, test, answer_after_s=5)


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (WvpSimulator.hang_up, "the device hung up before the end"),
        (WvpSimulator.break_off, "the media server broke off the stream"),
    ],
)
def test_a_call_that_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[WvpSimulator], None], said: str
) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.heard.strip(SILENCE))
        breaks(site.device)
        answer = await task
        assert isinstance(answer, TransientError)
        assert str(answer) == said

    at_site(tmp_path, monkeypatch, test)


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        ({"device": "9" * 20}, PermanentError, "it answers with code 400: 未找到设备"),
        ({"channel": "9" * 20}, PermanentError, "it answers with code 400: 未找到通道"),
        ({"media_url": "http://127.0.0.1:1"}, TransientError, "no connection: "),
    ],
)
def test_what_is_not_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert type(answer) is error
        assert str(answer).startswith(said)

    at_site(tmp_path, monkeypatch, test, config=config)


def test_a_wrong_secret_of_the_media_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer) == "it answers with code -100: Incorrect secret"

    secret = secret_in_env(monkeypatch, "guess")
    at_site(tmp_path, monkeypatch, test, config={"media_secret": secret})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("status", 502, body="bad gateway"), "answered 502: bad gateway"),
        (Fault("status", 200, body="<html>"), "not an answer of this interface: <html>"),
        (Fault("status", 200, body='{"code": 0, "data": {}}'), "not an answer of this interface: streamInfo"),
        (Fault("close"), "the connection broke"),
        (Fault("hang"), "no answer within 0.5 s"),
    ],
    ids=["502", "html", "empty", "close", "hang"],
)
def test_a_platform_in_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer).startswith(said)

    at_site(
        tmp_path, monkeypatch, test, config={"timeout_s": 0.5}, faults=[fault, fault]
    )  # a broken connection is tried anew


def test_how_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        site.device.online = False
        with pytest.raises(TransientError, match="offline"):
            await site.channel.status()

    at_site(tmp_path, monkeypatch, test)
