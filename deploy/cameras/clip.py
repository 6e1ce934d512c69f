"""A generated film, in place of a camera that does not answer."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

FPS, SECONDS, KEYFRAME_S = 25, 4, 2
FULL_HD_BITS = 4_000_000
"""Of a 1920×1080 stream, a second, as cameras are often set; of others by their area to the power of ¾."""


def bits_a_second(width: int, height: int) -> int:
    """Return the bit rate of a film of that size."""
    share: float = ((width * height) / (1920 * 1080)) ** 0.75
    return round(FULL_HD_BITS * share)


def write(path: Path, width: int, height: int) -> None:
    """Write an H.264 film to ``path``: a textured scene with noise, across which things move."""
    rng = np.random.default_rng(1)
    scene = rng.integers(60, 190, (height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    scene = scene.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    grains = [rng.normal(0, 2, scene.shape).round().astype(np.int16) for _ in range(5)]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "bf": "0"})
        assert isinstance(stream, VideoStream)  # noqa: S101 - that is what was asked for
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size, stream.bit_rate = FPS * KEYFRAME_S, bits_a_second(width, height)
        side = height // 8
        for n in range(FPS * SECONDS):
            picture = np.clip(scene + grains[n % len(grains)], 0, 255).astype(np.uint8)
            for row in range(3):
                x = (n * (6 + 4 * row)) % (width - side)
                y = (2 * row + 1) * side
                picture[y : y + side, x : x + side] = 40 + 60 * row
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
