"""The VAPIX speaker over the wire: clips that are put there and found again, loudness, stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.channels import speaker_vapix
from alerts.channels.base import Channel, Receipt
from alerts.voice import sound
from alerts.voice.clips import Clips
from deploy.simulators.server import Fault
from deploy.simulators.speaker_vapix import PASSWORD, USERNAME, VapixSimulator
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.contract.speaker_contract import SoundSpeakerContract
from tests.support.channels import secret_in_env, silent
from tests.support.sound_site import SoundSite, at_device

DONE = Receipt("accepted", "the device has said that it plays it; it does not say when it has")
Site = SoundSite[VapixSimulator]


def at_site(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Site], Awaitable[None]],
    config: dict[str, Any] | None = None,
    **simulated: Any,  # noqa: ANN401 - as the simulator takes it
) -> None:
    """Run ``test`` at a network speaker."""

    def build(url: str, clips: Clips) -> Channel:
        stanza = {
            "kind": "speaker_vapix",
            "base_url": url,
            "networks": ["127.0.0.0/8"],
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, PASSWORD),
            **(config or {}),
        }
        return speaker_vapix.build(speaker_vapix.Config.model_validate(stanza), SystemClock(), clips)

    at_device(tmp_path, VapixSimulator(say=silent, **simulated), build, test)


class TestPromises(SoundSpeakerContract[VapixSimulator]):
    done, shut = DONE, "answered 401: login"
    stopped = Receipt("stopped", "the device has said that it stops")
    at_site = staticmethod(at_site)

    def has_begun(self, site: Site) -> object:
        return site.device.plays and site.channel._playing  # type: ignore[attr-defined]

    def was_heard(self, site: Site) -> bool:
        return len(site.device.plays) == 2

    def is_silent(self, site: Site) -> bool:
        return len(site.device.plays) == len(site.device.stops)

    def disobey(self, device: VapixSimulator) -> None:
        device.obeys_stop = False


def test_a_clip_is_put_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        for volume in (70, 70, 30):
            assert await site.say(volume_pct=volume) == DONE
        assert site.device.uploads == 1
        assert [play.asked for play in site.device.plays] == [{"volume": str(v)} for v in (70, 70, 30)]
        for play in site.device.plays:
            assert np.array_equal(sound.read(play.sound), site.samples())
        assert site.device.digest.turned_away == 1, "one challenge serves many requests"

    at_site(tmp_path, monkeypatch, test)


def test_how_often_and_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say(repeat=9, max_s=2) == DONE
        (play,) = site.device.plays
        assert np.array_equal(sound.read(play.sound), site.samples(repeat=9, max_s=2))

    at_site(tmp_path, monkeypatch, test)


def test_a_device_without_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say(volume_pct=30) == DONE
        (play,) = site.device.plays
        assert play.asked == {}
        assert np.array_equal(sound.read(play.sound), sound.scaled(site.samples(), 30))
        await site.channel.stop("another")
        assert site.device.stops == ["/axis-cgi/mediaclip.cgi"]

    at_site(tmp_path, monkeypatch, test, options="", stop_clip=False)


def test_a_device_with_several_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say() == DONE
        assert site.device.plays[0].asked == {"volume": "100", "audiodeviceid": "0", "audiooutputid": "2"}

    at_site(tmp_path, monkeypatch, test, config={"audio_device": 0, "audio_output": 2})


def test_old_clips_of_ours_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        for max_s in (1, 2, 3, 4):
            assert await site.say(repeat=3, max_s=max_s) == DONE
        names = [name for name, _ in site.device.clips.values()]
        assert names[0] == "Alarm", "what is not ours stays"
        assert len(names) == 3
        assert list(site.device.clips) == [0, 3, 4]

    at_site(tmp_path, monkeypatch, test, config={"clips_kept": 2})


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault("status", 503, body="busy"), TransientError, "answered 503: busy"),
        (
            Fault("status", 200, body="Error: audio"),
            TransientError,
            "the device does not say OK: Error: audio",
        ),
        (Fault("status", 200, body="OK"), TransientError, "the device does not say which clip it has stored"),
        (Fault("status", 400, body="format"), PermanentError, "answered 400: format"),
        (Fault("hang"), TransientError, "no answer within "),
    ],
    ids=["503", "error", "no number", "400", "hang"],
)
def test_a_device_in_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, error: type[Exception], said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert type(answer) is error
        assert str(answer).startswith(said)
        assert site.device.plays == []
        assert await site.say() == DONE

    at_site(tmp_path, monkeypatch, test, config={"timeout_s": 0.5}, faults=[fault])


def test_what_becomes_late_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert str(await site.say(valid_s=0.5)) == "not said: its validity has passed"
        assert site.device.plays == []

    at_site(tmp_path, monkeypatch, test, faults=[Fault("late", delay_s=0.7)])
