"""Pictures made to break a detector, given to a worker with the real object model: one record each."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from detectors.engines import onnx
from detectors.engines.base import Engine
from lianfang.errors import ModelError
from lianfang.events import DetectedObject, Frame
from tests.support.looking import HEIGHT, WIDTH, Image, frame, jpeg, looking, until


def segments(picture: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the bytes of each segment of a JPEG, and as marker 0 what its scan holds."""
    at, marker = 2, 0
    while marker != 0xDA:
        marker, length = picture[at + 1], struct.unpack_from(">H", picture, at + 2)[0]
        yield marker, picture[at : at + 2 + length]
        at += 2 + length
    yield 0, picture[at:-2]


def planes(count: int, adobe: int | None = None) -> bytes:
    """Return a JPEG of ``count`` colour planes, all the same; ``adobe``: 0 is CMYK, 2 is YCCK."""
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 1), np.uint8)
    out, head = b"\xff\xd8", b""
    for marker, content in segments(simplejpeg.encode_jpeg(noise, colorspace="GRAY")):
        if marker == 0xC0:
            if adobe is not None:
                out += b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([adobe])
            one = content[11:13]
            body = content[4:9] + bytes([count]) + b"".join(bytes([i + 1]) + one for i in range(count))
            out += b"\xff\xc0" + struct.pack(">H", len(body) + 2) + body
        elif marker == 0xDA:
            head = content
        elif marker == 0:
            out += b"".join(head[:5] + bytes([i + 1]) + head[6:] + content for i in range(count))
        elif marker != 0xE0:
            out += content
    return out + b"\xff\xd9"


def bomb(side: int) -> bytes:
    """Return a JPEG of some kilobytes that decoders take for ``side`` × ``side``, and make pixels of."""
    strip = bytearray(simplejpeg.encode_jpeg(np.zeros((16, side, 1), np.uint8), colorspace="GRAY"))
    struct.pack_into(">H", strip, strip.index(b"\xff\xc0") + 5, side)
    return bytes(strip)


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        return onnx.build(onnx.Config(input_size=(64, 64)))
    except ModelError as error:
        pytest.skip(f"the object model is not installed: {error}")


BOMB = bomb(20000)
BROKEN: dict[str, tuple[Frame, str]] = {
    "truncated": (frame(0, pixels=jpeg()[: len(jpeg()) // 2]), "is no JPEG"),
    "empty": (frame(0, pixels=b""), "is no JPEG"),
    "no_width": (replace(frame(0), width=0), "0x24, each side must be"),
    "no_size_raw": (
        replace(frame(0, pixels=b""), width=0, height=0, encoding="bgr24"),
        "0x0, each side must be",
    ),
    "bomb": (frame(0, pixels=BOMB, width=20000, height=20000), "20000x20000, each side must be"),
    "hidden_bomb": (frame(0, pixels=BOMB), "the JPEG is 20000x20000, not 32x24"),
    "two_planes": (frame(0, pixels=planes(2)), "is no JPEG"),
    "five_planes": (frame(0, pixels=planes(5)), "is no JPEG"),
    "grey_as_colour": (
        replace(frame(0, pixels=bytes(WIDTH * HEIGHT)), encoding="bgr24"),
        "768 bytes of pixels",
    ),
    "four_raw_planes": (replace(frame(0, pixels=bytes(WIDTH * HEIGHT * 4)), encoding="bgr24"), "3072 bytes"),
}
STRANGE: dict[str, Frame] = {
    "pixel": frame(0, pixels=jpeg(width=1, height=1), width=1, height=1),
    "pixel_raw": replace(frame(0, pixels=b"\x00\x7f\xff"), width=1, height=1, encoding="bgr24"),
    "line": frame(0, pixels=jpeg(width=4096, height=1), width=4096, height=1),
    "column": frame(0, pixels=jpeg(width=1, height=4096), width=1, height=4096),
    "grey": frame(0, pixels=planes(1)),
    "rgb": frame(0, pixels=planes(3, 0)),
    "cmyk": frame(0, pixels=planes(4, 0)),
    "ycck": frame(0, pixels=planes(4, 2)),
}


def now(one: Frame, camera: str) -> Frame:
    """Return the same picture, taken by ``camera`` just now."""
    at = datetime.now(UTC)
    return replace(one, camera_id=camera, captured_at=at, published_at=at)


def test_broken_pictures_are_one_record_each_and_strange_ones_are_looked_at(
    engine: Engine, tmp_path: Path
) -> None:
    def see(_camera: str, image: Image) -> tuple[DetectedObject, ...]:
        engine.detect(image)
        return ()

    def looked_at(camera: str, times: int) -> bool:
        return worker.detected(camera) == times

    def left_out(camera: str) -> bool:
        return worker.skipped("undecodable", camera) == 1

    cameras = (*BROKEN, *STRANGE)
    with looking(tmp_path, see, cameras) as worker:
        for camera, (broken, _) in BROKEN.items():
            worker.bus.send(now(broken, camera))
            until(partial(left_out, camera), f"the picture of {camera} to be left out")
        for camera, strange in STRANGE.items():
            worker.bus.send(now(strange, camera))
            until(partial(looked_at, camera, 1), f"the picture of {camera} to be looked at")
        dead = {record.key: record for record in worker.other_dead_letters()}
        # Every camera is looked at as before.
        for camera in cameras:
            worker.bus.send(frame(1, camera=camera))
            until(partial(looked_at, camera, 1 + (camera in STRANGE)), f"the next of {camera}")
        assert worker.other_dead_letters() == []
    assert worker.failure is None
    assert set(dead) == set(BROKEN)
    for camera, (broken, says) in BROKEN.items():
        assert says in dead[camera].headers["dead_reason"]
        assert dead[camera].value == broken.pixels
