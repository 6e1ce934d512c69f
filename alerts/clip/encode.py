"""``python -m alerts.clip.encode SPOOL FILE``: an MP4 that browsers play, in a process that may die.

H.264 by libx264, out of the FFmpeg that the package ``av`` brings. Each picture is shown from its own
``captured_at`` on. On standard output: what came of it, as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import simplejpeg
from av.video.stream import VideoStream
from numpy.typing import NDArray

from alerts.clip import spool
from lianfang.events import Frame

_NICE = 10  # whoever decides and tells goes first
_TICKS = 1000  # a second
_KEY_S = 2.0  # from one key frame to the next: so finely it can be wound
_WIDEST, _HIGHEST = 1920, 1080
# At most 1.5 Mbit/s: 30 s are 6 MB at most, and a third of that where little moves.
_RATE = {"crf": "26", "maxrate": "1500k", "bufsize": "3000k"}
_OPTIONS = {**_RATE, "preset": "veryfast", "bf": "0", "threads": "1"}


def encode(source: Path, target: Path) -> tuple[int, datetime, datetime]:
    """Write the frames of the spool ``source`` into the MP4 ``target``; return their number, first and last.

    ValueError where there is not one that can be decoded.
    """
    captured = [frame.captured_at for frame in spool.read(source)]
    steps = [(b - a).total_seconds() for a, b in pairwise(captured)]
    step_s = statistics.median(steps) if steps else 1.0
    fps = max(1, round(1 / step_s)) if step_s > 0 else 1
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as output:
        stream = output.add_stream("libx264", rate=fps, options=_OPTIONS)
        stream.codec_context.time_base = stream.time_base = Fraction(1, _TICKS)
        stream.codec_context.gop_size = max(1, round(fps * _KEY_S))
        output.metadata["creation_time"] = captured[0].isoformat() if captured else ""
        shown, packets = _encoded(stream, spool.read(source))
        ticks = [round((at - captured[0]).total_seconds() * _TICKS) for at in shown]
        ends = [*ticks[1:], ticks[-1] + round(step_s * _TICKS)]
        for packet, begin, end in zip(packets, ticks, ends, strict=True):
            packet.pts = packet.dts = begin - ticks[0]
            packet.duration = end - begin
            output.mux(packet)
    return len(shown), shown[0], shown[-1]


def _encoded(stream: VideoStream, frames: Iterable[Frame]) -> tuple[list[datetime], list[Any]]:
    """Return the times of the frames that can be shown, and a packet for each."""
    shown: list[datetime] = []
    packets = []
    for frame in frames:
        image = _image(frame)
        if image is None:
            continue
        if not shown:
            stream.width, stream.height = _size(image.shape[1], image.shape[0])
            stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        # A camera whose size changes meanwhile keeps that of its first picture.
        picture = picture.reformat(width=stream.width, height=stream.height, format="yuv420p")
        shown.append(frame.captured_at)
        picture.pts = round((shown[-1] - shown[0]).total_seconds() * _TICKS)
        picture.time_base = Fraction(1, _TICKS)
        packets += stream.encode(picture)
    if not shown:
        raise ValueError("no picture of it can be decoded")
    return shown, packets + stream.encode(None)


def _image(frame: Frame) -> NDArray[np.uint8] | None:
    """Return the picture (H × W × 3, BGR), None where it is broken."""
    if frame.encoding == "bgr24":
        if len(frame.pixels) != frame.height * frame.width * 3:
            return None
        return np.frombuffer(frame.pixels, dtype=np.uint8).reshape(frame.height, frame.width, 3)
    try:
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(frame.pixels, colorspace="BGR")
    except ValueError:
        return None
    return image


def _size(width: int, height: int) -> tuple[int, int]:
    """Return what fits, with even sides, as H.264 wants them."""
    scale = min(1.0, _WIDEST / width, _HIGHEST / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def main() -> None:
    """Encode what the command line names."""
    os.nice(_NICE)
    frames, begins_at, ends_at = encode(Path(sys.argv[1]), Path(sys.argv[2]))
    said = {"frames": frames, "begins_at": begins_at.isoformat(), "ends_at": ends_at.isoformat()}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
