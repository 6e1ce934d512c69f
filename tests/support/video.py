"""Little videos in which every picture says which one it is.

A box moves over a grey ground; the bottom tenth carries the number of the picture as 16 black or white
fields, the most significant bit first. The number survives scaling and JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

BITS = 16
Rgb = npt.NDArray[np.uint8]


def numbered(number: int, width: int, height: int) -> Rgb:
    """Return picture ``number`` (0-65535) as (height, width, 3), width at least 64."""
    picture = np.full((height, width, 3), 110, dtype=np.uint8)
    side = height // 4
    x = (number * 7) % (width - side)
    picture[side : 2 * side, x : x + side] = (220, 60, 40)
    for bit in range(BITS):
        on = number >> (BITS - 1 - bit) & 1
        picture[-(height // 10) :, bit * width // BITS : (bit + 1) * width // BITS] = 255 * on
    return picture


def read_number(picture: Rgb) -> int:
    """Return the number that a picture of ``numbered`` carries, at whatever size it has now."""
    height, width, _ = picture.shape
    row = picture[height - max(1, height // 20)].mean(axis=1)
    number = 0
    for bit in range(BITS):
        number = number << 1 | int(row[int((bit + 0.5) * width / BITS)] > 127)
    return number


def write_clip(
    path: Path,
    count: int = 50,
    fps: int | Fraction = 25,
    width: int = 320,
    height: int = 240,
    codec: str = "libx264",
    b_frames: int = 0,
) -> Path:
    """Write ``count`` numbered pictures to ``path``; the suffix says the container. Returns ``path``."""
    pictures = (numbered(n, width, height) for n in range(count))
    return write_pictures(path, pictures, fps, codec, b_frames=b_frames)


def write_pictures(
    path: Path,
    pictures: Iterator[Rgb],
    fps: int | Fraction = 25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    b_frames: int = 0,
) -> Path:
    """Write (height, width, 3) RGB pictures to ``path``, with a keyframe every second. Returns ``path``.

    ``b_frames`` in a row are sent after the later picture that they are built on.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = pixel_format
        stream.gop_size = max(1, round(fps))
        stream.max_b_frames = b_frames
        if codec == "libx264" and b_frames:
            stream.options = {"preset": "ultrafast", "x264-params": "b-adapt=0:scenecut=0:b-pyramid=none"}
        elif codec == "libx264":
            stream.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0"}
        for i, picture in enumerate(pictures):
            if i == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
