"""Speeches as sound: spoken once, cached, recorded ones preferred, links that expire."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from alerts.payload import Speech, Utterance
from alerts.voice import espeak, sound
from alerts.voice.clips import Clip, Clips
from lianfang.config.voice import Voice
from lianfang.errors import PermanentError, TransientError
from tests.support.outbox import T0
from tests.support.voice import needs_espeak, tone

SERVE = {"port": 8803, "base_url": "http://10.0.0.5:8803/"}


def clips(folder: Path, **changed: Any) -> Clips:  # noqa: ANN401 - as the configuration has it
    return Clips(Voice.model_validate({"serve": SERVE} | changed), folder)


def spoken(of: Clips, text: str = "请远离水边", **changed: Any) -> Clip:  # noqa: ANN401 - of a Speech
    speech = Speech(id="a", text=text, volume_pct=70, repeat=1, valid_until=T0, **changed)
    return asyncio.run(of.clip(speech))


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("请远离水边。", "qing3 yuan3 li2 shui3 bian1 ."),
        ("银行行长行走", "yin2 hang2 hang2 zhang3 xing2 zou3"),  # one character, as its word has it
        ("两个人, 粤A12345", "liang3 ge4 ren2 , yue4 A12345"),
        ("Get back!", "Get back!"),
    ],
)
def test_pinyin(text: str, syllables: str) -> None:
    assert espeak.pinyin(text) == syllables


@pytest.mark.parametrize(
    ("language", "text"), [("zh", "请远离水边"), ("yue", "请即刻离开"), ("en", "Get back")]
)
def test_every_language_is_spoken(tmp_path: Path, language: str, text: str) -> None:
    needs_espeak()
    clip = spoken(clips(tmp_path), text, language=language)
    assert 0.3 < clip.seconds < 5
    assert sound.loudness_db(clip.samples) == pytest.approx(-16, abs=0.5)


def test_more_text_takes_longer(tmp_path: Path) -> None:
    needs_espeak()
    short, long = (spoken(clips(tmp_path), text).seconds for text in ("请离开", "请离开" * 5))
    assert long > 3 * short, "characters are not passed over"


def test_what_was_spoken_is_kept(tmp_path: Path) -> None:
    needs_espeak()
    first = spoken(clips(tmp_path))
    marked = sound.wav(tone(1))
    first.file.write_bytes(marked)
    assert np.array_equal(spoken(clips(tmp_path)).samples, tone(1)), "not spoken again"
    first.file.write_bytes(b"half a fi")
    assert np.array_equal(spoken(clips(tmp_path)).samples, first.samples), "what is damaged is"
    others = [
        spoken(clips(tmp_path), "请离开水边").file,
        spoken(clips(tmp_path), language="yue").file,
        spoken(clips(tmp_path, words_a_minute=200)).file,
        spoken(clips(tmp_path, loudness_db=-20)).file,
    ]
    assert len({first.file, *others}) == 5


def test_all_languages_in_one(tmp_path: Path) -> None:
    needs_espeak()
    also = (Utterance(language="en", text="Get back"),)
    both = spoken(clips(tmp_path), also=also)
    alone = spoken(clips(tmp_path)).seconds + spoken(clips(tmp_path), "Get back", language="en").seconds
    assert both.seconds == pytest.approx(alone + 0.4, abs=0.01)


def test_a_recording_is_preferred(tmp_path: Path) -> None:
    needs_espeak()
    file = tmp_path / "recorded.wav"
    file.write_bytes(sound.wav(tone(3)))
    recorded = spoken(clips(tmp_path / "kept"), clip=str(file))
    assert recorded.seconds == pytest.approx(3, abs=0.01)
    assert sound.loudness_db(recorded.samples) == pytest.approx(-16, abs=0.5)
    file.write_bytes(sound.wav(tone(1)))
    assert spoken(clips(tmp_path / "kept"), clip=str(file)).seconds == pytest.approx(1, abs=0.01)
    file.unlink()
    assert spoken(clips(tmp_path / "kept"), clip=str(file)).seconds > 1.1, "rather the voice than nothing"


@pytest.mark.parametrize(
    ("changed", "said", "error", "message"),
    [
        ({"program": "no-such-voice"}, {}, TransientError, "the voice does not speak"),
        ({"voices": {"zh": "klingonese"}}, {}, TransientError, "voice does not exist"),
        ({"voices": {"en": "en"}}, {}, PermanentError, "no voice for zh, only for en"),
    ],
)
def test_a_voice_that_is_not_there(
    tmp_path: Path, changed: dict[str, Any], said: dict[str, Any], error: type[Exception], message: str
) -> None:
    needs_espeak()
    with pytest.raises(error, match=message):
        spoken(clips(tmp_path, **changed), **said)


def test_links(tmp_path: Path) -> None:
    needs_espeak()
    of = clips(tmp_path)
    clip = spoken(of)
    link = of.link(clip, T0 + timedelta(seconds=60))
    assert link.startswith(f"http://10.0.0.5:8803/{clip.file.name}?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    until, signature = query["until"], query["signature"]

    def found(at: datetime = T0, by: Clips = of, **changed: str) -> Path | None:
        asked = {"name": clip.file.name, "until": until, "signature": signature} | changed
        return by.find(asked["name"], asked["until"], asked["signature"], at)

    assert found() == clip.file
    assert found(by=clips(tmp_path)) == clip.file, "another process of the installation knows it"
    assert found(T0 + timedelta(seconds=60)) is None
    assert found(until=str(int(until) + 1)) is None
    assert found(signature="0" * 64) is None
    assert found(signature="签") is None
    assert found(name="key") is None
    assert found(by=clips(tmp_path / "another")) is None
    clip.file.unlink()
    assert found() is None


def test_no_link_without_a_server(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"no voice\.serve"):
        clips(tmp_path, serve=None).link(Clip(tmp_path / "a.wav", tone(1)), T0)
