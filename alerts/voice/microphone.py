"""What a person says into a microphone: taken as it comes, played from here, and not kept.

A speaker that can is given it while it is said. Any other that plays sound gets it when it has ended. The
sound is in memory of the process that took it, and in no store.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import av
import numpy as np

from alerts.voice.sound import RATE, Samples
from lianfang.clock import Clock
from lianfang.errors import LianfangError

MOST_S = 20.0
"""So long one voice may be."""
SILENT_S = 3.0
"""After so long without any sound it is over: whoever spoke is gone."""
RATES = (8_000, 96_000)
_FORGOTTEN_S = 180.0
_AT_ONCE = 4  # voices
_PREFIX = "voice:"
_LOOK_S = 0.02


class VoiceRefused(LianfangError):  # noqa: N818 - reads as the fact it states
    """The sound does not follow on what came before, or too many speak."""


def voice_clip(call_id: str) -> str:
    """Return how a speech names the voice of a call."""
    return _PREFIX + call_id


def call_of(clip: str) -> str | None:
    """Return the call whose voice a speech names; None where it names none."""
    return clip.removeprefix(_PREFIX) if clip.startswith(_PREFIX) else None


@dataclass
class Voice:
    """The voice of one call, as far as it has come. ``rate`` is what arrives, samples a second."""

    author: str
    rate: int
    began_s: float
    heard_s: float
    parts: list[Samples] = field(default_factory=list)
    length: int = 0
    taken: int = 0
    """Bytes that have come."""
    ended: bool = False
    resampler: av.AudioResampler = field(
        default_factory=lambda: av.AudioResampler(format="s16", layout="mono", rate=RATE)
    )

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.length / RATE


class Voices:
    """The voices of a process. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._voices: dict[str, Voice] = {}

    def begin(self, call_id: str, author: str, rate: int) -> None:
        """Expect a voice; VoiceRefused where its person speaks already, or too many do."""
        now_s = self._clock.monotonic()
        with self._lock:
            known = self._voices.items()
            self._voices = {i: v for i, v in known if now_s - v.heard_s < _FORGOTTEN_S}
            speaking = [v for v in self._voices.values() if not self._is_over(v)]
            if any(voice.author == author for voice in speaking):
                raise VoiceRefused(f"{author} speaks already")
            if len(speaking) >= _AT_ONCE:
                raise VoiceRefused(f"{_AT_ONCE} people speak already")
            self._voices[call_id] = Voice(author, rate, now_s, now_s)

    def add(self, call_id: str, author: str, at: int, data: bytes) -> float:
        """Add 16-bit samples that begin at byte ``at`` of the voice; return how many seconds it is now.

        What came before is not taken twice. LookupError where nobody speaks under that id, or another person
        does; VoiceRefused where something is missing before ``at``, or the voice is long enough.
        """
        with self._lock:
            voice = self._of(call_id, author)
            if self._is_over(voice):
                raise VoiceRefused("it is over")
            if at > voice.taken or at % 2 or len(data) % 2:
                raise VoiceRefused(f"found sound from byte {at} on; allowed: from {voice.taken}")
            fresh = data[voice.taken - at :]
            voice.heard_s = self._clock.monotonic()
            if fresh:
                self._take(voice, np.frombuffer(fresh, "<i2"))
                voice.taken += len(fresh)
            return voice.seconds

    def end(self, call_id: str, author: str) -> Samples:
        """End a voice and return all of it; LookupError as in ``add``."""
        with self._lock:
            voice = self._of(call_id, author)
            voice.ended = True
            return _whole(voice)

    def discard(self, call_id: str) -> None:
        """Forget a voice: nobody is to hear more of it."""
        with self._lock:
            voice = self._voices.pop(call_id, None)
            if voice is not None:
                voice.ended, voice.parts, voice.length = True, [], 0

    def whole(self, call_id: str) -> Samples | None:
        """Return a voice that has ended; None where it is not here."""
        with self._lock:
            voice = self._voices.get(call_id)
            return _whole(voice) if voice is not None and self._is_over(voice) else None

    def is_here(self, call_id: str) -> bool:
        """Say whether a voice is spoken, or was a moment ago, in this process."""
        with self._lock:
            return call_id in self._voices

    async def live(self, call_id: str) -> AsyncIterator[Samples]:
        """Yield a voice as it comes, until it has ended; nothing where it is not here."""
        given = 0
        while True:
            with self._lock:
                voice = self._voices.get(call_id)
                parts = voice.parts[given:] if voice else []
                over = voice is None or self._is_over(voice)
            given += len(parts)
            for part in parts:
                yield part
            if over:
                return
            await asyncio.sleep(_LOOK_S)

    def _of(self, call_id: str, author: str) -> Voice:
        voice = self._voices.get(call_id)
        if voice is None or voice.author != author:
            raise LookupError(f"{author} does not speak as {call_id}")
        return voice

    def _is_over(self, voice: Voice) -> bool:
        return voice.ended or voice.seconds >= MOST_S or self._clock.monotonic() - voice.heard_s >= SILENT_S

    def _take(self, voice: Voice, samples: Samples) -> None:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = voice.rate
        room = int(MOST_S * RATE)
        for part in voice.resampler.resample(frame):
            taken: Samples = part.to_ndarray()[0][: max(0, room - voice.length)].copy()
            if len(taken):
                voice.parts.append(taken)
                voice.length += len(taken)


def _whole(voice: Voice) -> Samples:
    return np.concatenate(voice.parts) if voice.parts else np.zeros(0, np.int16)
