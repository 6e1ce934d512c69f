"""Sound as samples: read from any file, brought to one loudness, written as speakers take it.

Samples are int16, mono, ``RATE`` a second, shape (N,).
"""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Literal

import av
import av.error
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE = 16_000
TELEPHONE = 8_000  # G.711: what cameras, telephones and GB/T 28181 play
_LONGEST_S = 120
_PAUSE_S = 0.8  # between two times
_FULL = 32768.0
_KNEE, _PEAK = 0.5, 0.9
_STEPS, _MOST_GAIN_DB = 3, 40.0
_SILENT_DB = -50.0
_BLOCK_S = 0.1
_NOTES_HZ, _NOTE_S, _SOFT_S = (440.0, 880.0, 1760.0), 1.0, 0.05  # low ones are lost in small horns


def read(source: Path | bytes, format_: str | None = None) -> Samples:
    """Return the sound in a file, or in the bytes of one; ValueError where there is none, or too much.

    ``format_`` is FFmpeg's name of what it is; it guesses where none is given.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        with av.open(file, "r", format=format_) as container:
            if not container.streams.audio:
                raise ValueError("no sound in it")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            parts: list[Samples] = []
            length = 0
            for frame in container.decode(audio=0):
                parts += [whole.to_ndarray()[0] for whole in resampler.resample(frame)]
                length = sum(map(len, parts[-1:]), length)
                if length > _LONGEST_S * RATE:
                    raise ValueError(f"longer than {_LONGEST_S} s")
            parts += [whole.to_ndarray()[0] for whole in resampler.resample(None)]
    except (av.error.FFmpegError, OSError) as error:
        raise ValueError(error.strerror or str(error)) from error
    found: Samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if not len(found):
        raise ValueError("no sound in it")
    return found


def loudness_db(samples: Samples) -> float:
    """Return the mean level in dB below full scale, of the parts that are not silent; -inf for silence."""
    block = int(_BLOCK_S * RATE)
    whole = samples.astype(np.float64) / _FULL
    whole = np.pad(whole, (0, -len(whole) % block)).reshape(-1, block)
    power = (whole**2).mean(axis=1)
    loud = power[power > 10 ** (_SILENT_DB / 10)]
    return float(10 * np.log10(loud.mean())) if len(loud) else float("-inf")


def normalised(samples: Samples, target_db: float) -> Samples:
    """Return it with a mean level of ``target_db``, its peaks bent rather than cut; silence as it is."""
    if loudness_db(samples) == float("-inf"):
        return samples
    louder = samples
    gain_db = 0.0
    for _ in range(_STEPS):  # what is bent is quieter: a little more gain makes up for it
        gain_db = min(gain_db + target_db - loudness_db(louder), _MOST_GAIN_DB)
        louder = _bent(samples / _FULL * 10 ** (gain_db / 20))
    return louder


def _bent(level: NDArray[np.float64]) -> Samples:
    """Return samples of full scale 1 whose parts above ``_KNEE`` come ever closer to ``_PEAK``."""
    size, room = np.abs(level), _PEAK - _KNEE
    over = _KNEE + room * np.tanh((size - _KNEE) / room)
    bent: Samples = (np.sign(level) * np.where(size > _KNEE, over, size) * _FULL).round().astype(np.int16)
    return bent


def silence(seconds: float) -> Samples:
    """Return so much silence."""
    return np.zeros(int(seconds * RATE), np.int16)


def joined(once: Samples, repeat: int, max_s: float) -> Samples:
    """Return it ``repeat`` times with pauses between, cut after ``max_s`` seconds."""
    parts = [once, *([silence(_PAUSE_S), once] * (repeat - 1))]
    return np.concatenate(parts)[: int(max_s * RATE)]


def scaled(samples: Samples, volume_pct: int) -> Samples:
    """Return it quieter, for devices without a volume of their own: 100 is as it is, 50 is 12 dB less."""
    quieter: Samples = (samples * (volume_pct / 100) ** 2).round().astype(np.int16)
    return quieter


def tone() -> Samples:
    """Return a test tone of three notes and three seconds, each beginning and ending softly."""
    notes = [_note(frequency_hz) for frequency_hz in _NOTES_HZ]
    return np.concatenate(notes)


def _note(frequency_hz: float) -> Samples:
    at = np.arange(int(_NOTE_S * RATE)) / RATE
    softly = np.minimum(1, np.minimum(at, _NOTE_S - at) / _SOFT_S)
    note: Samples = (0.5 * _FULL * softly * np.sin(2 * np.pi * frequency_hz * at)).round().astype(np.int16)
    return note


def wav(samples: Samples, rate: int = RATE) -> bytes:
    """Return it as a WAV file of ``rate`` samples a second, which it has."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def telephone(samples: Samples) -> Samples:
    """Return it at ``TELEPHONE`` samples a second."""
    narrow: Samples = np.concatenate([frame.to_ndarray()[0] for frame in _narrowed(samples)])
    return narrow


def g711(samples: Samples, law: Literal["a", "mu"] = "a") -> bytes:
    """Return it as G.711, A-law or µ-law, 8000 bytes a second."""
    encoder = av.CodecContext.create(f"pcm_{law}law", "w")
    assert isinstance(encoder, av.AudioCodecContext)  # noqa: S101 - FFmpeg knows what it is
    encoder.sample_rate, encoder.layout, encoder.format = TELEPHONE, "mono", "s16"
    packets = [packet for part in [*_narrowed(samples), None] for packet in encoder.encode(part)]
    return b"".join(bytes(packet) for packet in packets)


def _narrowed(samples: Samples) -> list[av.AudioFrame]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=TELEPHONE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = RATE
    return [*resampler.resample(frame), *resampler.resample(None)]
