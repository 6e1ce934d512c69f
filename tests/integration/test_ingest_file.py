"""Ingest of files: paced, looped, as fast as possible, damaged."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from ingest import relief
from ingest.camera import CameraReader
from ingest.strain import Felt
from lianfang.events import CameraCondition, Frame
from tests.support.reading import reading
from tests.support.video import numbered, read_number, write_clip, write_pictures

HOSTILE = Path(__file__).parents[3] / "shared/data/clips/hostile_rawvideo_48x48.avi"
START = datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)


def stanza(path: Path, fps: float = 5, **source: Any) -> Mapping[str, Any]:  # noqa: ANN401 - configured values
    return {"fps": fps, "source": {"kind": "file", "path": path, **source}}


def numbers(frames: list[Frame]) -> list[int]:
    return [read_number(simplejpeg.decode_jpeg(frame.pixels, "rgb")) for frame in frames]


def test_asap_takes_its_times_from_the_file(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", count=500, fps=25)
    with reading({"gate": stanza(clip, pace="asap", start=START)}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    frames = running.bus.frames("gate")
    assert numbers(frames) == list(range(0, 500, 5))
    assert [frame.captured_at for frame in frames] == [START + timedelta(seconds=i / 5) for i in range(100)]
    end = running.bus.states("gate")[1]
    assert (end.condition, end.reason) == (CameraCondition.OFFLINE, "end_of_file")
    assert end.captured_at > frames[-1].captured_at
    assert running.dropped("gate", "fps") == 400


def test_asap_starts_now_where_nothing_else_is_said(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", count=10, fps=10, codec="mpeg4")
    before = datetime.now(UTC)
    with reading({"gate": stanza(clip, fps=10, pace="asap")}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    first, *_, last = running.bus.frames("gate")
    assert before <= first.captured_at <= datetime.now(UTC)
    assert last.captured_at - first.captured_at == timedelta(seconds=0.9)


@pytest.mark.parametrize(("pace", "suffix"), [("realtime", "mp4"), ("asap", "mp4"), ("asap", "avi")])
def test_a_loop_is_no_loss_and_its_time_goes_on(pace: str, suffix: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / f"clip.{suffix}", count=10, fps=25)
    with reading({"gate": stanza(clip, fps=25, pace=pace, loop=True)}) as running:
        running.bus.wait(lambda: len(running.bus.frames("gate")) >= 35)
    frames = running.bus.frames("gate")[:35]
    assert running.bus.conditions("gate") == ["online"]
    assert len({frame.epoch for frame in frames}) == 1
    assert [frame.seq for frame in frames] == list(range(35))
    assert numbers(frames) == [i % 10 for i in range(35)]
    steps = [b.captured_at - a.captured_at for a, b in pairwise(frames)]
    assert all(abs(step - timedelta(seconds=0.04)) < timedelta(milliseconds=25) for step in steps)


def test_what_is_masked_and_what_is_cut_off_never_reaches_the_bus(tmp_path: Path) -> None:
    """Of the left half of the picture the upper half is masked: the number stays, the box is never seen."""
    clip = write_clip(tmp_path / "clip.mp4", count=10, fps=5)
    view = {"crop": {"x_max": 0.5}, "masks": [[(0, 0), (1, 0), (1, 0.6), (0, 0.6)]]}
    with reading({"gate": {**stanza(clip, pace="asap"), **view}}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    pictures = [simplejpeg.decode_jpeg(frame.pixels, "rgb") for frame in running.bus.frames("gate")]
    assert len(pictures) == 10
    for picture in pictures:
        assert picture.shape == (240, 160, 3)
        assert picture[:144].max() <= 4
        assert 90 < picture[160:210].mean() < 130


def test_a_camera_that_gives_way_shows_keyframes_and_says_so_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is felt is made up, what follows from it is real; the other camera may not give way."""
    felt = [Felt(strained=True, relievable=True)]
    monkeypatch.setattr(CameraReader, "felt", property(lambda _: felt[0]))
    monkeypatch.setattr(relief, "HOLD_S", 0.5)
    clip = write_clip(tmp_path / "clip.mp4", count=500, fps=25)
    cameras = {"gate": stanza(clip, fps=25), "bank": {**stanza(clip, fps=25), "keyframes": "never"}}
    with reading(cameras) as running:
        bus = running.bus
        bus.wait(lambda: "degraded" in bus.conditions("gate"))
        before = len(bus.frames("gate"))
        assert running.count("lianfang_camera_keyframes", camera="gate") == 1
        bus.wait(lambda: len(bus.frames("gate")) >= before + 2)
        felt[0] = Felt()
        bus.wait(lambda: bus.conditions("gate") == ["online", "degraded", "online"])
        bus.wait(lambda: numbers(bus.frames("gate"))[-1] % 25 > 1)
    assert bus.states("gate")[1].reason == "keyframes"
    assert bus.conditions("bank") == ["online"]
    shown = numbers(bus.frames("gate"))
    assert [number % 25 for number in shown[before : before + 2]] == [0, 0]
    back = next(i for i in range(before, len(shown)) if shown[i] % 25)
    assert shown[back] % 25 == 1  # all pictures again, from a keyframe on
    assert shown[back - 1 :] == list(range(shown[back - 1], shown[-1] + 1))


def test_realtime_keeps_the_pace_of_the_file(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", count=38, fps=25)
    with reading({"gate": stanza(clip)}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    frames = running.bus.frames("gate")
    assert numbers(frames) == list(range(0, 38, 5))
    # Published when it is time, not before: the last one lies 1.4 s into the file.
    assert frames[-1].published_at - frames[0].published_at >= timedelta(seconds=1.35)
    for i, frame in enumerate(frames):
        offset = frame.captured_at - frames[0].captured_at - timedelta(seconds=i / 5)
        assert abs(offset) < timedelta(milliseconds=60)


def test_a_file_may_appear_later(tmp_path: Path) -> None:
    path = tmp_path / "later.mp4"
    with reading({"gate": stanza(path, pace="asap")}) as running:
        running.bus.wait(lambda: running.bus.conditions("gate") == ["offline"])
        write_clip(tmp_path / "made.mp4", count=5).rename(path)
        running.bus.wait(lambda: running.bus.conditions("gate") == ["offline", "online", "offline"])
    assert [state.reason for state in running.bus.states("gate")] == ["not_found", "", "end_of_file"]


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "make", "detail"),
    [
        ("text.mp4", lambda path: path.write_text("no video at all\n" * 100), "Invalid data"),
        # FFmpeg would draw the letters, 25 pictures a second, and call it a video.
        ("text.txt", lambda path: path.write_text("no video at all\n" * 100), "Invalid"),
        ("empty.avi", lambda path: path.write_bytes(b""), ""),
        ("folder.mp4", Path.mkdir, "Is a directory"),
        ("sound.mkv", audio_only, "no video stream"),
        (
            "list.m3u8",
            lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n"),
            "Invalid",
        ),
    ],
)
def test_what_is_no_video_is_named_and_tried_again(name: str, make: Any, detail: str, tmp_path: Path) -> None:  # noqa: ANN401
    path = tmp_path / name
    make(path)
    with reading({"gate": stanza(path)}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
        running.bus.wait(lambda: running.count("lianfang_camera_connections_total", camera="gate") >= 2)
    (state,) = running.bus.states("gate")
    assert state.condition is CameraCondition.OFFLINE
    assert state.reason == "no_video"
    assert detail in state.detail


def test_a_file_cut_off_before_its_index_cannot_be_read(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "whole.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])
    with reading({"gate": stanza(cut)}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
    assert running.bus.states("gate")[0].reason == "no_video"


def test_a_file_cut_off_within_gives_what_it_holds(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "whole.ts", count=50).read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(data[: len(data) // 2])
    with reading({"gate": stanza(cut, fps=25, pace="asap")}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    shown = numbers(running.bus.frames("gate"))
    assert shown == list(range(len(shown)))
    assert 10 <= len(shown) < 50


def test_damage_in_the_middle_costs_pictures_and_not_the_stream(tmp_path: Path) -> None:
    whole = bytearray(write_clip(tmp_path / "whole.avi", count=100).read_bytes())
    rng = np.random.default_rng(5)
    middle = slice(len(whole) * 4 // 10, len(whole) * 6 // 10)
    for at in rng.integers(middle.start, middle.stop, 150):
        whole[at] ^= 0xFF
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(whole)
    with reading({"gate": stanza(damaged, fps=25, pace="asap")}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    assert running.dropped("gate", "corrupt") + running.dropped("gate", "decode") > 0
    shown = numbers(running.bus.frames("gate"))
    assert shown[0] == 0
    assert shown[-1] == 99
    assert running.bus.conditions("gate") == ["online", "offline"]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 5), (17, 9)])
def test_tiny_pictures(width: int, height: int, tmp_path: Path) -> None:
    pictures = (np.full((height, width, 3), 200, np.uint8) for _ in range(3))
    clip = write_pictures(tmp_path / "tiny.mkv", pictures, codec="ffv1", pixel_format="bgr0")
    with reading({"gate": stanza(clip, fps=25, pace="asap")}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    frames = running.bus.frames("gate")
    assert len(frames) == 3
    picture = simplejpeg.decode_jpeg(frames[0].pixels, "rgb")
    assert picture.shape[:2] == (frames[0].height, frames[0].width)
    assert np.abs(picture.astype(int) - 200).max() <= 3


def png(width: int, height: int) -> bytes:
    """Return a valid black 1-bit picture: small on disk whatever its size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes((1 + width // 8) * height))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("side", "frames"), [(4000, 1), (8000, 0)])
def test_a_picture_too_large_to_be_true_is_not_decoded(side: int, frames: int, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(side, side))
    with reading({"gate": stanza(path, pace="asap")}) as running:
        running.bus.wait(lambda: "offline" in running.bus.conditions("gate"))
    assert len(running.bus.frames("gate")) == frames
    assert bool(running.dropped("gate", "decode")) == (frames == 0)


def test_the_size_may_change_within_a_stream(tmp_path: Path) -> None:
    parts = [
        write_pictures(tmp_path / f"{width}.ts", (numbered(n, width, 240) for n in range(10)))
        for width in (320, 480)
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with reading({"gate": stanza(joined, fps=25, pace="asap")}) as running:
        running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
    assert {frame.width for frame in running.bus.frames("gate")} == {320, 480}


READ_HOSTILE = """
import sys
from pathlib import Path
from tests.support.reading import reading
source = {"kind": "file", "path": Path(sys.argv[1]), "pace": "asap"}
with reading({"gate": {"fps": 30, "source": source}}) as running:
    running.bus.wait(lambda: len(running.bus.states("gate")) == 2)
print("frames", len(running.bus.frames("gate")))
"""


@pytest.mark.skipif(not HOSTILE.exists(), reason="the shared clips are not here")
def test_a_file_that_kills_other_decoders_is_read() -> None:
    """In a process of its own: it corrupts the heap of OpenCV's reader."""
    command = [sys.executable, "-c", READ_HOSTILE, str(HOSTILE)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "frames 51" in done.stdout
