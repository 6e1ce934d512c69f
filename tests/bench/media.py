"""The pictures that are measured on, made once from the sample video and cached."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import simplejpeg
from av.video.stream import VideoStream
from numpy.typing import NDArray

from deploy.demo.sample import media_dir, sample

Image = NDArray[np.uint8]


def pictures(count: int) -> list[Image]:
    """Return the first ``count`` pictures of the sample (576 × 768 × 3, BGR)."""
    found: list[Image] = []
    with av.open(str(sample(print))) as container:
        for picture in container.decode(video=0):
            found.append(picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False))
            if len(found) == count:
                break
    return found


def empty_scene() -> Image:
    """Return the scene with nobody in it: the median of pictures spread over the sample."""
    spread = pictures(790)[::20]
    scene: Image = np.median(np.stack(spread), axis=0).astype(np.uint8)
    return scene


def jpeg(image: Image, quality: int = 85) -> bytes:
    """Return ``image`` (BGR) as ingest would publish it."""
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=quality, colorspace="BGR", colorsubsampling="420"
    )
    return encoded


def full_hd(seconds: int = 20) -> Path:
    """Return a 1920×1080 H.264 clip at 25 fps of the sample, made at the first call."""
    target = media_dir() / f"bench-1080p25-{seconds}s.mp4"
    if target.exists():
        return target
    partial = target.with_suffix(".part.mp4")
    with av.open(str(sample(print))) as source, av.open(str(partial), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "b": "4M", "g": "50"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for i, picture in enumerate(source.decode(video=0)):
            if i >= seconds * 25:
                break
            frame = picture.reformat(width=1920, height=1080, format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    partial.replace(target)
    return target
