"""The sound card as a speaker: ALSA's real player and library, into a file instead of a card."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.channels import speaker_line_out
from alerts.channels.base import Receipt, SpeakerStatus
from alerts.voice import sound
from alerts.voice.clips import Clips
from lianfang.clock import SystemClock
from lianfang.config.voice import Voice
from lianfang.errors import LianfangError, PermanentError, TransientError
from tests.support.channels import delivery_of, speech
from tests.support.delivery import until
from tests.support.kafka import missing
from tests.support.voice import tone

DONE = Receipt("finished", "the card has played it; whether the amplifier is on, nobody says")
# A card is a file here; the slow one takes nothing for a while, so that a player is busy with it.
CARDS = """
pcm.null {{ type null }}
pcm.card {{ type file slave.pcm null file "{folder}/card" format raw }}
pcm.slow {{ type file slave.pcm null file "|(exec sleep 20)" format raw }}
"""


class Site:
    """A sound card, and the way to it."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.card = folder / "card"
        self.recorded = folder / "recorded.wav"
        self.recorded.write_bytes(sound.wav(tone(5)))
        stanza = {"kind": "speaker_line_out", "device": "card"} | config
        clips = Clips(Voice(), folder / "voice")
        self.channel = speaker_line_out.build(
            speaker_line_out.Config.model_validate(stanza), SystemClock(), clips
        )

    async def say(self, valid_s: float = 30, **changed: object) -> Receipt | Exception:
        payload = speech(valid_s) | {"clip": str(self.recorded), "repeat": 1, "volume_pct": 100} | changed
        try:
            return await self.channel.send(delivery_of(payload))
        except LianfangError as error:
            return error

    def samples(self, volume_pct: int = 100, repeat: int = 1, max_s: float = 60) -> sound.Samples:
        normal = sound.normalised(sound.read(self.recorded), -16)
        return sound.scaled(sound.joined(normal, repeat, max_s), volume_pct)


def at_card(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Site], Awaitable[None]],
    **config: Any,  # noqa: ANN401 - as the configuration has it
) -> None:
    if shutil.which("aplay") is None:
        missing("no aplay: install Debian's package alsa-utils")
    (folder / "asound.conf").write_text(CARDS.format(folder=folder))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(folder / "asound.conf"))

    async def run() -> None:
        site = Site(folder, **config)
        try:
            await test(site)
        finally:
            await site.channel.close()

    asyncio.run(run())


@pytest.mark.parametrize(("volume_pct", "repeat", "max_s"), [(100, 1, 60), (30, 2, 60), (100, 9, 7)])
def test_the_card_plays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume_pct: int, repeat: int, max_s: int
) -> None:
    async def test(site: Site) -> None:
        assert await site.say(volume_pct=volume_pct, repeat=repeat, max_s=max_s) == DONE
        played = np.frombuffer(site.card.read_bytes(), np.int16)
        whole = site.samples(volume_pct, repeat, max_s)
        assert np.array_equal(played[: len(whole)], whole)
        assert not played[len(whole) :].any(), "the card's last period is filled up"

    at_card(tmp_path, monkeypatch, test)


def test_what_is_late_is_not_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=-0.001), PermanentError)
        assert not site.card.exists()

    at_card(tmp_path, monkeypatch, test)


def test_how_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")

    at_card(tmp_path, monkeypatch, test)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"device": "nothing"}, "the card does not play: "),
        ({"program": "no-such-player"}, "no player no-such-player: No such file or directory"),
    ],
)
def test_a_card_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer).startswith(said)
        with pytest.raises(TransientError, match=said):
            await site.channel.status()

    at_card(tmp_path, monkeypatch, test, **config)


def test_a_stop_ends_the_player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say())
        await until(lambda: site.channel._playing)
        assert await site.channel.status() == SpeakerStatus("playing", "delivery-1")
        with pytest.raises(PermanentError, match="not played here"):
            await site.channel.stop("another")
        assert await site.channel.stop("delivery-1") == Receipt("stopped", "the player has ended")
        assert str(await task) == "the speaker says stopped: broken off"

    at_card(tmp_path, monkeypatch, test, device="slow")


def test_a_card_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        answer = await site.say(max_s=5)
        assert isinstance(answer, TransientError)
        assert str(answer) == "the card has not played it within 6 s"

    at_card(tmp_path, monkeypatch, test, device="slow", timeout_s=1)
