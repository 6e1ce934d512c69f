"""All pictures or keyframes only, changed while it runs: never a torn one, never one held back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from ingest.decode import Decoder
from ingest.sources.base import Asked
from tests.support.video import read_number, write_clip

FPS, COUNT = 10, 60  # a keyframe every second
KINDS = {"h264": ("libx264", 0), "h264 that puts pictures in order": ("libx264", 2), "mpeg4": ("mpeg4", 0)}


def shown(clip: Path, keyframes_at: range) -> list[tuple[int, int, float]]:
    """Decode ``clip``, asked for keyframes at those packets; (packet, number of the picture, its time)."""
    asked, found = Asked(), []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_count = 1
        decoder = Decoder(stream, asked)
        for i, packet in enumerate(container.demux(stream)):
            asked.keyframes = i in keyframes_at
            for frame in decoder.decode(packet):
                assert not frame.is_corrupt
                picture = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                found.append((i, read_number(picture), frame.time))
    return found


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    codec, b_frames = request.param
    return write_clip(tmp_path / "clip.mp4", COUNT, FPS, codec=codec, b_frames=b_frames)


def test_without_asking_every_picture_comes(clip: Path) -> None:
    assert [number for _, number, _ in shown(clip, range(0))] == list(range(COUNT))


def test_keyframes_come_at_once_and_nothing_else_is_decoded(clip: Path) -> None:
    found = shown(clip, range(COUNT))
    assert [number for _, number, _ in found] == list(range(0, COUNT, FPS))
    # Sent before the pictures that are built on it, a keyframe is no later than its place among them.
    assert all(packet <= number for packet, number, _ in found)
    assert [time_s for _, _, time_s in found] == [pytest.approx(n / FPS) for _, n, _ in found]


def test_back_to_all_is_from_the_next_keyframe_on(clip: Path) -> None:
    found = [number for _, number, _ in shown(clip, range(12, 35))]
    assert found[:10] == list(range(10))  # of the next few, what was decoded already waits for its turn
    assert [number for number in found if 15 <= number < 40] == [20, 30]
    assert [number for number in found if number >= 40] == list(range(40, COUNT))
    assert all(a < b for a, b in pairwise(found))
