"""The ISAPI speaker over the wire: login, loudness, pace, busy devices, stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from alerts.channels import speaker_isapi
from alerts.channels.base import Channel, Receipt, SpeakerStatus
from alerts.voice.clips import Clips
from deploy.simulators.server import Fault
from deploy.simulators.speaker_isapi import PASSWORD, USERNAME, IsapiSimulator
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.contract.speaker_contract import SoundSpeakerContract
from tests.support.channels import secret_in_env, silent
from tests.support.sound_site import SoundSite, at_device

DONE = Receipt("accepted", "the device has taken all of it; it does not say what was heard")
Site = SoundSite[IsapiSimulator]


def at_site(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Site], Awaitable[None]],
    config: dict[str, Any] | None = None,
    **simulated: Any,  # noqa: ANN401 - as the simulator takes it
) -> None:
    """Run ``test`` at a horn."""

    def build(url: str, clips: Clips) -> Channel:
        stanza = {
            "kind": "speaker_isapi",
            "base_url": url,
            "networks": ["127.0.0.0/8"],
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, PASSWORD),
            **(config or {}),
        }
        return speaker_isapi.build(speaker_isapi.Config.model_validate(stanza), SystemClock(), clips)

    at_device(tmp_path, IsapiSimulator(say=silent, **simulated), build, test)


class TestPromises(SoundSpeakerContract[IsapiSimulator]):
    done, shut = DONE, "answered 401: login"
    stopped = Receipt("stopped", "the audio channel is closed")
    at_site = staticmethod(at_site)

    def has_begun(self, site: Site) -> bool:
        return len(site.device.heard) > 4000

    def was_heard(self, site: Site) -> bool:
        return site.device.played == [site.expected()]

    def is_silent(self, site: Site) -> bool:
        return not site.device.is_open and site.device.played == []

    def disobey(self, device: IsapiSimulator) -> None:
        device.obeys_close = False


@pytest.mark.parametrize("law", ["a", "mu"])
def test_it_says_all_of_it_and_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, law: Literal["a", "mu"]
) -> None:
    async def test(site: Site) -> None:
        for _ in range(2):
            assert await site.say(repeat=2) == DONE
            assert not site.device.is_open
        assert site.device.played == [site.expected(repeat=2, law=law)] * 2
        assert site.device.digest.turned_away == 1, "one challenge serves many requests"

    at_site(tmp_path, monkeypatch, test, law={"a": "G.711alaw", "mu": "G.711ulaw"}[law])


@pytest.mark.parametrize(("volume_pct", "scale", "there"), [(0, 100, 0), (70, 100, 70), (70, 10, 7)])
def test_the_devices_own_loudness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume_pct: int, scale: int, there: int
) -> None:
    async def test(site: Site) -> None:
        assert await site.say(volume_pct=volume_pct) == DONE
        assert site.device.volume == there
        assert site.device.played == [site.expected()], "the sound itself is as it is"

    at_site(tmp_path, monkeypatch, test, config={"volume_max": scale})


def test_a_device_without_a_loudness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say(volume_pct=30) == DONE
        assert site.device.played == [site.expected(volume_pct=30)]

    at_site(tmp_path, monkeypatch, test, volume=None)


def test_a_session_that_was_left_open_is_closed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        site.device._session = "of a service that was killed"
        assert await site.say() == DONE

    at_site(tmp_path, monkeypatch, test)


def test_a_nonce_that_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say() == DONE
        site.device.digest.forget()
        assert await site.say() == DONE

    at_site(tmp_path, monkeypatch, test)


def test_a_channel_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, PermanentError)
        assert str(answer).startswith("answered 404")

    at_site(tmp_path, monkeypatch, test, config={"channel": 2})


def test_a_codec_that_is_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, PermanentError)
        assert str(answer) == "its audio channel is set to AAC, not to G.711alaw or G.711ulaw"

    at_site(tmp_path, monkeypatch, test, law="AAC")


def test_a_device_that_somebody_talks_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        site.device.someone_talks = True
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert "Device Busy" in str(answer)
        site.device.someone_talks = False
        assert await site.say() == DONE

    at_site(tmp_path, monkeypatch, test)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("status", 503, body="starting"), "answered 503: starting"),
        (Fault("lost"), "the connection broke"),
        (Fault("hang"), "no answer within 0.5 s"),
    ],
    ids=["503", "lost", "hang"],
)
def test_a_device_in_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer).startswith(said)
        site.device.misbehave(None)
        await site.say()
        assert await site.say() == DONE

    at_site(tmp_path, monkeypatch, test, config={"timeout_s": 0.5}, faults=[fault, fault])


def test_what_becomes_late_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        answer = await site.say(valid_s=0.5)
        assert str(answer) == "not said: its validity has passed"
        assert site.device.played == []
        assert not site.device.is_open

    at_site(tmp_path, monkeypatch, test, faults=[Fault("late", delay_s=0.7)])


ALARM = {"alarm_sound": 2, "volume_max": 10}
TAKEN = Receipt("accepted", "the device plays its sound 2; it does not say what was heard")


@pytest.mark.parametrize(("volume_pct", "there"), [(0, 0), (50, 5), (100, 10)])
def test_a_stored_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume_pct: int, there: int) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        assert await site.say(volume_pct=volume_pct) == TAKEN
        assert site.device.sounded == [(2, there)]
        assert site.device.played == []

    at_site(tmp_path, monkeypatch, test, config=ALARM)


@pytest.mark.parametrize(
    ("config", "simulated", "error"),
    [
        ({"alarm_sound": 4}, {}, PermanentError),  # it has three
        ({}, {"stored": 0}, PermanentError),
        ({"volume_max": 100}, {}, PermanentError),  # its scale ends at 10
    ],
    ids=["no such sound", "no sounds", "too loud"],
)
def test_a_sound_that_it_cannot_play(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, Any],
    simulated: dict[str, Any],
    error: type[Exception],
) -> None:
    async def test(site: Site) -> None:
        assert type(await site.say()) is error
        assert site.device.sounded == []

    at_site(tmp_path, monkeypatch, test, config=ALARM | config, **simulated)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (
            Fault("status", 200, body='{"statusCode": 2, "statusString": "Device Busy"}'),
            TransientError,
            "Busy",
        ),
        (Fault("status", 403, body='{"statusCode": 2}'), TransientError, "answered 403"),
        (Fault("status", 200, body='{"statusCode": 4}'), PermanentError, "answered 200"),
        (Fault("status", 403, body='{"statusCode": 4}'), PermanentError, "answered 403"),
        (Fault("status", 200, body="OK"), TransientError, "answered what is no JSON"),
        (Fault("status", 200, body="[1]"), PermanentError, "answered 200: [1]"),
        (Fault("status", 404, body="<html>"), PermanentError, "answered 404"),
        (Fault("status", 500, body="{}"), TransientError, "answered 500"),
    ],
    ids=["busy", "busy 403", "no", "no 403", "text", "list", "page", "500"],
)
def test_what_it_says_of_its_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, error: type[Exception], said: str
) -> None:
    async def test(site: Site) -> None:
        got = await site.say()
        assert type(got) is error
        assert said in str(got)

    at_site(tmp_path, monkeypatch, test, config=ALARM, faults=[fault])


def test_an_answer_that_is_lost_may_be_heard_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device knows no ids, and the HTTP client itself makes a PUT again whose connection breaks."""

    async def test(site: Site) -> None:
        site.device.misbehave(Fault("lost"), Fault("lost"))
        assert isinstance(await site.say(), TransientError)
        assert await site.say() == TAKEN
        assert len(site.device.sounded) == 3

    at_site(tmp_path, monkeypatch, test, config=ALARM)


def test_a_stored_sound_is_not_played_too_late_and_not_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=-1), PermanentError)
        assert site.device.sounded == []
        with pytest.raises(PermanentError, match="cannot be broken off"):
            await site.channel.stop("say-1")

    at_site(tmp_path, monkeypatch, test, config=ALARM)


def test_somebody_talks_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        site.device.someone_talks = True
        assert isinstance(await site.say(), TransientError)
        site.device.someone_talks = False
        assert await site.say() == TAKEN

    at_site(tmp_path, monkeypatch, test, config=ALARM)


def test_a_stored_sound_needs_no_voice() -> None:
    stanza = {"kind": "speaker_isapi", "base_url": "http://horn", "username": "u", "password": {"env": "X"}}
    assert speaker_isapi.Config.model_validate(stanza).plays_sound
    assert not speaker_isapi.Config.model_validate(stanza | ALARM).plays_sound
