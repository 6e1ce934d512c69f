"""What a device was given as G.711, and whether that is what it was to hear."""

from __future__ import annotations

from typing import Literal

import av
import numpy as np

from alerts.voice import sound
from alerts.voice.sound import Samples

Law = Literal["a", "mu"]
QUIET = 16  # of 32768: what A-law makes of silence
EDGE = 40  # samples, in which a resampler rings


def decoded(data: bytes, law: Law = "a") -> Samples:
    """Return G.711 as samples."""
    decoder = av.CodecContext.create(f"pcm_{law}law", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = sound.TELEPHONE, "mono"
    frames = decoder.decode(av.Packet(data)) if data else []
    return np.concatenate([np.zeros(0, np.int16), *(frame.to_ndarray()[0] for frame in frames)])


def is_heard(expected: bytes, heard: Samples, law: Law = "a") -> bool:
    """Say whether ``heard`` is ``expected`` as a whole, and before and after it silence."""
    want, got = decoded(expected, law).astype(int), heard.astype(int)
    half = np.abs(want).max() / 2
    first = int(np.nonzero(np.abs(got) > half)[0][0] - np.nonzero(np.abs(want) > half)[0][0])
    for begun in range(first - 2, first + 3):  # two resamplers do not agree on the phase
        part = got[begun : begun + len(want)]
        rest = np.concatenate([got[: begun - EDGE], got[begun + len(want) + EDGE :]])
        if len(part) == len(want) and np.abs(part - want).mean() < np.abs(want).mean() / 20:
            return bool((np.abs(rest) <= QUIET).all())
    return False
