"""``python -m alerts.export.child FILM TARGET``: a clip with the watermark in every picture.

The lines of the watermark come on standard input, as JSON. What is shown when stays as it is in the clip.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.stream import VideoStream

from alerts.export.watermark import Watermark

_NICE = 10  # whoever decides and tells goes first
_TICKS = 1000  # a second
_OPTIONS = {"crf": "24", "preset": "veryfast", "bf": "0", "threads": "1"}


def mark(film: Path, target: Path, lines: Sequence[str]) -> int:
    """Write ``film`` with the watermark into ``target``, and return how many pictures it has. FFmpegError."""
    pictures = 0
    options = {"movflags": "faststart"}
    with av.open(str(film)) as source, av.open(str(target), "w", format="mp4", options=options) as output:
        read = source.streams.video[0]
        read.codec_context.thread_count = 1
        watermark = Watermark(read.width, read.height, lines)
        written: VideoStream = output.add_stream("libx264", rate=read.average_rate or 5, options=_OPTIONS)
        written.width, written.height = read.width, read.height + watermark.bar
        written.pix_fmt = "yuv420p"
        written.codec_context.time_base = written.time_base = Fraction(1, _TICKS)
        output.metadata.update(source.metadata)
        packets: list[Any] = []
        for frame in source.decode(read):
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            picture = av.VideoFrame.from_ndarray(watermark.over(image), "bgr24")
            picture.pts, picture.time_base = round((frame.time or 0) * _TICKS), Fraction(1, _TICKS)
            packets += written.encode(picture)
            pictures += 1
        packets += written.encode(None)
        length = round(float((read.duration or 0) * (read.time_base or 1)) * _TICKS)
        ends = [*(packet.pts for packet in packets[1:]), length]
        for packet, end in zip(packets, ends, strict=True):
            packet.duration = max(int(end) - packet.pts, 1)
            output.mux(packet)
    return pictures


def main() -> int:
    """Mark the film that the command line names; 1 where it cannot be read."""
    os.nice(_NICE)
    try:
        mark(Path(sys.argv[1]), Path(sys.argv[2]), json.load(sys.stdin))
    except (FFmpegError, IndexError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
