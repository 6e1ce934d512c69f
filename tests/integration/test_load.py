"""The simulated cameras of the benches: read by FFmpeg and by ingest as real ones are."""

from __future__ import annotations

import socket
from datetime import timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import pytest
import simplejpeg

from tests.load.cameras import Cameras
from tests.support.elementary import Encoding
from tests.support.reading import reading
from tests.support.rtsp_server import Login
from tests.support.video import read_number, write_clip

SMALL = Encoding(width=320, height=180, keyframe_s=0.5)
COUNT = 100
CAMERAS: list[tuple[str, Encoding]] = [
    ("tcp", Encoding(width=640, height=360, keyframe_s=0.5, preset="veryfast", kbps=300)),
    ("udp", Encoding("h265", width=640, height=360, keyframe_s=0.5)),
]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("load") / "numbered.mp4", COUNT, 25, 640, 360)


@pytest.mark.parametrize(("transport", "main"), CAMERAS, ids=["h264-tcp", "h265-udp"])
def test_both_streams_of_a_camera_are_read(
    transport: str, main: Encoding, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_PASSWORD", "s3cret")
    login = {"username": "viewer", "password": {"env": "LOAD_PASSWORD"}}
    with Cameras(3, main, SMALL, video, login=Login("viewer", "s3cret")) as cameras:
        last = cameras.addresses[-1]
        assert last.sub is not None
        _decoded(last.main.replace("//", "//viewer:s3cret@"), transport, main)
        streams = {"main": last.main, "sub": last.sub}
        stanzas = {
            name: {"source": {"kind": "rtsp", "url": url, "transport": transport, **login}, "fps": 25}
            for name, url in streams.items()
        }
        with reading(stanzas) as running:
            running.bus.wait(lambda: all(len(running.bus.frames(name)) >= 35 for name in stanzas))
    for name, width in (("main", 640), ("sub", 320)):
        frames = running.bus.frames(name)[15:35]  # those before were taken in a heap
        assert {frame.width for frame in frames} == {width}
        numbers = [read_number(simplejpeg.decode_jpeg(frame.pixels, "rgb")) for frame in frames]
        for (a, b), (at, then) in zip(pairwise(numbers), pairwise(frames), strict=True):
            step = (b - a) % COUNT
            assert step >= 1  # in order; the sampler may leave one out where time stamps meet late ones
            spaced = timedelta(seconds=step / 25)
            assert abs(then.captured_at - at.captured_at - spaced) < timedelta(milliseconds=60)


def _decoded(url: str, transport: str, encoding: Encoding) -> None:
    """Check order, time stamps and the distance of keyframes, as FFmpeg reads them."""
    options = {"rtsp_transport": transport, "allowed_media_types": "video"}
    with av.open(url, options=options, timeout=(5, 5)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name in ("h264", "hevc")
        frames = [f for f in islice(container.decode(stream), 45) if not f.is_corrupt]
    assert (frames[0].width, frames[0].height) == (encoding.width, encoding.height)
    times: list[Any] = [frame.time for frame in frames]
    numbers = [read_number(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)) for frame in frames]
    keyframes = [i for i, frame in enumerate(frames) if frame.key_frame]
    settled = range(5, len(frames) - 1)  # FFmpeg knows no time of what comes first
    assert [(numbers[i + 1] - numbers[i]) % COUNT for i in settled] == [1] * len(settled)
    assert all(times[i + 1] - times[i] == pytest.approx(1 / 25, abs=1e-4) for i in settled)
    assert {b - a for a, b in pairwise(keyframes)} <= {12, 13}


def test_a_reader_that_does_not_read_holds_nobody_up(video: Path) -> None:
    """Both are served by one playing of one process, and far more than the socket holds is owed."""
    big = Encoding(width=640, height=360, fps=200, keyframe_s=0.02)  # 2 MB a second
    with Cameras(1, big, video=video, processes=1) as cameras, socket.socket() as lazy:
        url = cameras.addresses[0].main
        _play(lazy, url)
        stanza = {"source": {"kind": "rtsp", "url": url}, "fps": 25}
        with reading({"gate": stanza}) as running:
            running.bus.wait(lambda: len(running.bus.frames("gate")) >= 60)
        assert running.bus.conditions("gate") == ["online"]
        frames = running.bus.frames("gate")[20:60]
        assert all(b.captured_at - a.captured_at < timedelta(seconds=1) for a, b in pairwise(frames))


def _play(lazy: socket.socket, url: str) -> None:
    """Ask for the stream over this connection and read only the answers."""
    parts = urlsplit(url)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect((parts.hostname, parts.port))
    lazy.settimeout(10)
    session = ""
    for number, (method, at, header) in enumerate(
        [
            ("DESCRIBE", url, "Accept: application/sdp"),
            ("SETUP", f"{url}/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"),
            ("PLAY", url, ""),
        ],
        1,
    ):
        lines = [f"{method} {at} RTSP/1.0", f"CSeq: {number}", header, session, "", ""]
        lazy.sendall("\r\n".join(line for i, line in enumerate(lines) if line or i >= 4).encode())
        answer = lazy.recv(4096).decode("latin1")
        assert "200 OK" in answer or method == "PLAY", answer
        for line in answer.splitlines():
            if line.lower().startswith("session:"):
                session = line
