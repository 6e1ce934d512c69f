"""A voice as it comes: in order, not twice, at any rate, to its end; kept only where that is wanted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from alerts.payload import Speech
from alerts.voice.clips import TONE, Clips
from alerts.voice.microphone import MOST_S, SILENT_S, VoiceRefused, Voices, voice_clip
from alerts.voice.sound import RATE, loudness_db
from lianfang.clock import ManualClock
from lianfang.config.voice import Voice
from lianfang.errors import TransientError
from tests.support.observations import START
from tests.support.voice import tone


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def voices(clock: ManualClock) -> Voices:
    found = Voices(clock)
    found.begin("call", "duty", RATE)
    return found


def later(clock: ManualClock, seconds: float) -> None:
    clock.advance_to(clock.now() + timedelta(seconds=seconds))


def test_parts_follow_on_each_other_and_none_counts_twice(voices: Voices) -> None:
    said = tone(1)
    data = said.tobytes()
    assert voices.add("call", "duty", 0, data[:8000]) == pytest.approx(0.25, abs=0.01)
    voices.add("call", "duty", 0, data[:8000])  # the answer was lost, and it came again
    voices.add("call", "duty", 4000, data[4000:])
    assert np.array_equal(voices.end("call", "duty"), said)


@pytest.mark.parametrize(("at", "data"), [(2, b"\0\0"), (1, b"\0\0"), (0, b"\0")])
def test_what_does_not_follow_is_refused(voices: Voices, at: int, data: bytes) -> None:
    with pytest.raises(VoiceRefused):
        voices.add("call", "duty", at, data)


def test_any_rate_becomes_ours(clock: ManualClock) -> None:
    voices = Voices(clock)
    voices.begin("call", "duty", 48_000)
    voices.add("call", "duty", 0, np.repeat(tone(1), 3).tobytes())
    assert len(voices.end("call", "duty")) == pytest.approx(RATE, abs=64)


def test_it_ends_by_itself(voices: Voices, clock: ManualClock) -> None:
    for n in range(int(MOST_S) + 2):
        try:
            voices.add("call", "duty", 32_000 * n, tone(1).tobytes())
        except VoiceRefused:
            break
    whole = voices.whole("call")
    assert whole is not None
    assert len(whole) == MOST_S * RATE
    voices.begin("second", "duty", RATE)  # the first is over
    later(clock, SILENT_S)
    with pytest.raises(VoiceRefused, match="over"):
        voices.add("second", "duty", 0, b"\0\0")


def test_whose_it_is_and_how_many_speak(voices: Voices, clock: ManualClock) -> None:
    with pytest.raises(LookupError):
        voices.add("call", "other", 0, b"\0\0")
    with pytest.raises(VoiceRefused, match="speaks already"):
        voices.begin("again", "duty", RATE)
    for n in range(3):
        voices.begin(f"call{n}", f"other{n}", RATE)
    with pytest.raises(VoiceRefused, match="4 people"):
        voices.begin("fifth", "fifth", RATE)
    later(clock, 200)
    voices.begin("fifth", "fifth", RATE)
    assert not voices.is_here("call"), "it is forgotten"


def test_it_is_heard_as_it_comes(voices: Voices) -> None:
    said = tone(1)

    async def follow() -> list[int]:
        heard = []
        async for part in voices.live("call"):
            heard.append(len(part))
            if len(heard) == 1:
                voices.add("call", "duty", 16_000, said.tobytes()[16_000:])
                voices.end("call", "duty")
        return heard

    voices.add("call", "duty", 0, said.tobytes()[:16_000])
    assert asyncio.run(follow()) == [8000, 8000]


def speech(clip: str) -> Speech:
    return Speech(id="s", text="-", volume_pct=50, repeat=1, clip=clip, valid_until=START)


def test_a_voice_is_played_from_memory_and_never_spoken(
    voices: Voices, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("voice")
    clips = Clips(Voice(), folder, voices)
    with pytest.raises(TransientError):
        asyncio.run(clips.clip(speech(voice_clip("call"))))  # not over
    with pytest.raises(TransientError):
        asyncio.run(clips.clip(speech(voice_clip("of another service"))))
    voices.add("call", "duty", 0, tone(1).tobytes())
    voices.end("call", "duty")
    clip = asyncio.run(clips.clip(speech(voice_clip("call"))))
    assert (clip.seconds, list(folder.iterdir())) == (1, [])
    voices.discard("call")
    with pytest.raises(TransientError):
        asyncio.run(clips.clip(speech(voice_clip("call"))))


def test_a_test_tone_is_as_loud_as_speech(voices: Voices, tmp_path_factory: pytest.TempPathFactory) -> None:
    clips = Clips(Voice(), tmp_path_factory.mktemp("voice"), voices)
    clip = asyncio.run(clips.clip(speech(TONE)))
    assert clip.seconds == 3
    assert loudness_db(clip.samples) == pytest.approx(-16, abs=1)
