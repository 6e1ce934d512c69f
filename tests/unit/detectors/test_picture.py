"""Pictures that are not what their frame says."""

from __future__ import annotations

import dataclasses
import struct
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from detectors.picture import MAX_SIDE, decode
from lianfang.errors import DecodeError
from lianfang.events import Frame
from tests.support.looking import HEIGHT, WIDTH, frame, jpeg


def colourful() -> bytes:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2] = (255, 0, 0)  # red on the left
    picture[:, WIDTH // 2 :] = (0, 0, 255)
    data: bytes = simplejpeg.encode_jpeg(picture, quality=95, colorsubsampling="444")
    return data


def claiming(width: int, height: int) -> bytes:
    """Return a JPEG of WIDTH × HEIGHT whose header says another size."""
    data = bytearray(jpeg())
    size_at = data.index(b"\xff\xc0") + 5  # start of frame: marker, length, precision, then height and width
    assert struct.unpack_from(">HH", data, size_at) == (HEIGHT, WIDTH)
    struct.pack_into(">HH", data, size_at, height, width)
    return bytes(data)


def test_a_jpeg_becomes_blue_green_red() -> None:
    image = decode(frame(0, pixels=colourful()))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    blue, green, red = image[HEIGHT // 2, 4].astype(int)
    assert red > 200
    assert max(blue, green) < 60


def test_a_grey_jpeg_is_a_picture_too() -> None:
    grey = simplejpeg.encode_jpeg(np.full((HEIGHT, WIDTH, 1), 90, np.uint8), colorspace="GRAY")
    assert decode(frame(0, pixels=grey)).shape == (HEIGHT, WIDTH, 3)


def test_raw_pixels_are_taken_as_they_are() -> None:
    pixels = bytes(range(96)) * (WIDTH * HEIGHT * 3 // 96)
    image = decode(dataclasses.replace(frame(0, pixels=pixels), encoding="bgr24"))
    assert image.tobytes() == pixels
    assert image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pixels": jpeg(width=64, height=48)}, "the JPEG is 64x48, not 32x24"),
        ({"width": HEIGHT, "height": WIDTH}, "the JPEG is 32x24, not 24x32"),
        ({"pixels": jpeg()[: len(jpeg()) // 2]}, "is no JPEG"),
        ({"pixels": jpeg()[:-2]}, "is no JPEG"),  # only the end marker is missing
        ({"pixels": jpeg()[:100]}, "is no JPEG"),
        ({"pixels": b""}, "is no JPEG"),
        ({"pixels": b"\xff\xd8\xff\xd9"}, "is no JPEG"),
        ({"pixels": b"\x89PNG\r\n\x1a\n" + bytes(100)}, "is no JPEG"),
        # Twelve gigabytes, if anybody believed it.
        ({"pixels": claiming(65500, 65500)}, "the JPEG is 65500x65500, not 32x24"),
        ({"pixels": claiming(65535, 65535)}, "is no JPEG"),  # more than the library takes
        ({"pixels": claiming(65535, 65535), "width": 65535, "height": 65535}, "each side must be 1 to 4096"),
        ({"pixels": claiming(MAX_SIDE, MAX_SIDE), "width": MAX_SIDE, "height": MAX_SIDE}, "is no JPEG"),
        ({"pixels": claiming(0, 0)}, "JPEG"),
        ({"width": 0}, "0x24, each side must be 1 to 4096"),
        ({"height": 0}, "32x0"),
        ({"width": -32}, "-32x24"),
        ({"width": -32, "height": -24, "encoding": "bgr24", "pixels": bytes(32 * 24 * 3)}, "-32x-24"),
        ({"encoding": "bgr24", "pixels": bytes(WIDTH * HEIGHT * 3 - 1)}, "2303 bytes of pixels, not 2304"),
        ({"encoding": "bgr24", "pixels": bytes(WIDTH * HEIGHT * 3 + 1)}, "2305 bytes of pixels"),
        ({"encoding": "bgr24", "pixels": b""}, "0 bytes of pixels"),
        ({"encoding": "bgr24", "width": 0, "pixels": b""}, "0x24"),
    ],
)
def test_a_picture_that_is_not_what_it_says(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DecodeError, match=says) as caught:
        decode(dataclasses.replace(frame(5), **changes))
    assert str(caught.value).startswith("frame cam/c1/5")


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_whatever_comes_is_a_picture_or_an_error_of_ours(noise: bytes, at: int, patch: bytes) -> None:
    good = jpeg()
    for pixels in (noise, good[:at] + patch + good[at + len(patch) :]):
        damaged: Frame = frame(0, pixels=pixels)
        try:
            image = decode(damaged)
        except DecodeError:
            continue
        assert image.shape == (HEIGHT, WIDTH, 3)
