"""Elementary streams of H.264 and H.265, made once and cached, with an index beside them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Literal

import av
from av.video.frame import PictureType
from av.video.stream import VideoStream

CACHE = Path(tempfile.gettempdir()) / f"lianfang-rtsp-{os.getuid()}"


@dataclass(frozen=True)
class Encoding:
    """How a camera encodes. What is not given is as it is in the video.

    Nothing refers ahead, so that a reader shows a picture at once and the end joins the beginning.
    """

    codec: Literal["h264", "h265"] = "h264"
    width: int | None = None
    height: int | None = None
    fps: int | None = None
    """A video with another rate is played faster or slower."""
    keyframe_s: float = 1
    kbps: int | None = None
    """Bits a second, held over two seconds; None: whatever the quality takes."""
    preset: str = "ultrafast"
    """Of x264 and x265; cameras have the arithmetic coder and the filter that "ultrafast" is without."""


def elementary_stream(video: Path, encoding: Encoding = Encoding()) -> Path:
    """Return ``video`` as an elementary stream; its rate and where its pictures end stand beside it."""
    status = video.stat()
    name = f"{video.resolve()} {status.st_size} {status.st_mtime_ns} {encoding}"
    stream = CACHE / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.{encoding.codec}"
    if not stream.exists():
        CACHE.mkdir(mode=0o700, exist_ok=True)
        _transcode(video, stream, encoding)
    return stream


def _transcode(video: Path, target: Path, encoding: Encoding) -> None:
    ends: list[int] = []
    with av.open(str(video)) as source, tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as output:
        stream = source.streams.video[0]
        assert stream.average_rate is not None
        rate = Fraction(encoding.fps or stream.average_rate)
        encoder = av.CodecContext.create("libx264" if encoding.codec == "h264" else "libx265", "w")
        encoder.options = _options(encoding)
        encoder.pix_fmt, encoder.framerate, encoder.time_base = "yuv420p", rate, 1 / rate
        encoder.width = (encoding.width or stream.width) // 2 * 2
        encoder.height = (encoding.height or stream.height) // 2 * 2
        encoder.gop_size = max(1, round(rate * encoding.keyframe_s))
        for i, frame in enumerate(source.decode(stream)):
            picture = frame.reformat(encoder.width, encoder.height, "yuv420p")
            picture.pts, picture.time_base = i, 1 / rate
            picture.pict_type = PictureType.NONE  # else the video's own keyframes are forced as well
            _append(output, encoder.encode(picture), ends)
        _append(output, encoder.encode(None), ends)
    target.with_suffix(".json").write_text(json.dumps({"fps": float(rate), "ends": ends}), encoding="utf-8")
    Path(output.name).replace(target)


def _options(encoding: Encoding) -> dict[str, str]:
    options = {"preset": encoding.preset, "tune": "zerolatency"}
    if encoding.codec == "h264":
        options |= {"x264-params": "sliced-threads=0:scenecut=0", "forced-idr": "1"}
    else:
        options["x265-params"] = "log-level=none:open-gop=0:scenecut=0:repeat-headers=1"
    if encoding.kbps is not None:
        kbps = f"{encoding.kbps}k"
        options |= {"b": kbps, "maxrate": kbps, "bufsize": f"{2 * encoding.kbps}k"}
    return options


def _append(output: IO[bytes], packets: list[av.Packet[VideoStream]], ends: list[int]) -> None:
    for packet in packets:
        ends.append((ends[-1] if ends else 0) + output.write(bytes(packet)))
