"""Sound: read from files, brought to one loudness, written as speakers take it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alerts.voice import sound
from tests.support.voice import tone


def test_a_wav_file_comes_back_as_it_was() -> None:
    samples = tone(0.5)
    assert np.array_equal(sound.read(sound.wav(samples)), samples)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "Invalid data"),
        (b"not a sound at all, only text", "Invalid data"),
        (sound.wav(tone(121)), "longer than 120 s"),
        (sound.wav(tone(0)), "no sound in it"),
    ],
)
def test_what_is_no_sound(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(content)
    for source in (file, content):
        with pytest.raises(ValueError, match=fault):
            sound.read(source)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        sound.read(tmp_path / "none.wav")


@pytest.mark.parametrize("level", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("target_db", [-26.0, -16.0])
def test_one_loudness(level: float, target_db: float) -> None:
    # Half of it is silence, which counts for nothing: a long pause makes nobody louder.
    samples = np.concatenate([tone(1, level), sound.silence(1)])
    normal = sound.normalised(samples, target_db)
    assert sound.loudness_db(normal) == pytest.approx(target_db, abs=0.3)
    assert np.abs(normal).max() < 0.91 * 32768, "nothing is cut"


def test_silence_stays_silence() -> None:
    quiet = sound.silence(1)
    assert sound.loudness_db(quiet) == float("-inf")
    assert np.array_equal(sound.normalised(quiet, -16), quiet)


@pytest.mark.parametrize(("volume_pct", "difference_db"), [(100, 0), (50, -12.04), (10, -40)])
def test_quieter(volume_pct: int, difference_db: float) -> None:
    samples = tone(1, 0.9)
    quieter = sound.loudness_db(sound.scaled(samples, volume_pct)) - sound.loudness_db(samples)
    assert quieter == pytest.approx(difference_db, abs=0.1)
    assert not sound.scaled(samples, 0).any()


def test_telephone_sound() -> None:
    coded = sound.g711(tone(2))
    assert len(coded) == pytest.approx(16_000, abs=50)  # 8000 bytes a second
    assert len(set(coded)) > 20, "it is a tone"
    assert set(sound.g711(sound.silence(1))) == {0xD5}, "A-law silence"
    assert set(sound.g711(sound.silence(1), "mu")) == {0xFF}, "µ-law silence"
