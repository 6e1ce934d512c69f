"""Pushes grey pictures by RTMP until it is cut off: ``python -m tests.support.rtmp_process ADDRESS``.

A process of its own, because PyAV keeps Python's lock while it connects.
"""

from __future__ import annotations

import sys
import time

import av
import numpy as np

SIZE, FPS = (120, 160), 10


def main(address: str) -> int:
    """Push; return 1 once nobody takes it any more."""
    try:
        with av.open(address, "w", format="flv") as out:
            options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(FPS)}
            stream = out.add_stream("libx264", rate=FPS, options=options)
            stream.height, stream.width = SIZE
            stream.pix_fmt = "yuv420p"
            for n in range(10_000):
                picture = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), n % 255, np.uint8), "rgb24")
                picture.pts = n
                for packet in stream.encode(picture):
                    out.mux(packet)
                time.sleep(0.5 / FPS)
    except av.FFmpegError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
