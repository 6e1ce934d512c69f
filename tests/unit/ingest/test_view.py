"""Which part of a picture is published, and that nothing behind a mask has any part in it."""

from __future__ import annotations

import av
import numpy as np
import pytest
import shapely
import simplejpeg
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from ingest.encode import Encoder
from ingest.view import Cut, Masks
from lianfang.config import Camera, Crop

BLOCK = 32
BLOCKS = np.random.default_rng(3).integers(0, 256, (4, 8, 3), dtype=np.uint8)
COLOURS = BLOCKS.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
TRIANGLE = ((0.1, 0.2), (0.47, 0.31), (0.2, 0.9))
CORNER = ((0.8, 0.7), (1.0, 0.7), (1.0, 1.0), (0.8, 1.0))
Picture = NDArray[np.uint8]


def encoder(max_width: int = 1280, **keys: object) -> Encoder:
    stanza = {"name": "Gate", "point": "gate", "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}}
    return Encoder.of(Camera.model_validate({**stanza, "max_width": max_width, **keys}))


def shown(jpeg: bytes) -> Picture:
    decoded: Picture = simplejpeg.decode_jpeg(jpeg, "rgb")
    return decoded


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "nv12", "yuv420p10le", "rgb24"])
def test_a_crop_is_that_part_of_the_picture(pixel_format: str) -> None:
    frame = av.VideoFrame.from_ndarray(COLOURS, format="rgb24").reformat(format=pixel_format)
    cut = Crop(x_min=0.25, y_min=0.5, x_max=0.75, y_max=1)
    jpeg = Encoder(1280, 95, Cut(cut)).encode(frame)
    assert (jpeg.width, jpeg.height) == (4 * BLOCK, 2 * BLOCK)
    middles = shown(jpeg.data)[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].astype(int)
    assert np.abs(middles - BLOCKS[2:4, 2:6]).max() <= 8


def test_a_crop_is_scaled_where_it_is_too_wide_and_follows_another_size() -> None:
    crop = encoder(max_width=160, crop={"x_min": 0.5})
    for width, height in ((640, 360), (1280, 720), (640, 360)):
        jpeg = crop.encode(av.VideoFrame(width, height, "yuv420p"))
        assert (jpeg.width, jpeg.height) == (160, 180)


@pytest.mark.parametrize(
    ("key", "value"), [("x_max", 0.54), ("y_max", 0.5), ("x_min", -0.1), ("y_min", float("nan"))]
)
def test_a_crop_of_nothing_is_refused(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key if value < 0 else "crop|Crop|finite"):
        Crop.model_validate({"x_min": 0.5, "y_min": 0.5, "x_max": 1, "y_max": 1} | {key: value})


def behind(shapes: tuple[tuple[tuple[float, float], ...], ...], width: int, height: int) -> NDArray[np.bool_]:
    """Return which pixels (height, width) a shape touches."""
    xs, ys = np.meshgrid(np.arange(width), np.arange(height))
    squares = shapely.box(xs, ys, xs + 1, ys + 1)
    union = shapely.union_all([shapely.Polygon(np.array(shape) * (width, height)) for shape in shapes])
    shapely.prepare(union)
    touched: NDArray[np.bool_] = shapely.intersects(union, squares)
    return touched


@pytest.mark.parametrize("max_width", [3840, 240, 200], ids=["same size", "scaled", "scaled oddly"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "rgb24"])
def test_whatever_is_behind_a_mask_the_published_bytes_are_the_same(
    pixel_format: str, max_width: int
) -> None:
    masked, rng = encoder(max_width, masks=[TRIANGLE, CORNER]), np.random.default_rng(7)
    scene = rng.integers(60, 256, (180, 320, 3), dtype=np.uint8)
    hidden = behind((TRIANGLE, CORNER), 320, 180)
    published = set()
    for secret in (0, 255, rng.integers(0, 256, (int(hidden.sum()), 3))):
        scene[hidden] = secret
        frame = av.VideoFrame.from_ndarray(scene, format="rgb24").reformat(format=pixel_format)
        published.add(masked.encode(frame).data)
    assert len(published) == 1
    picture = shown(published.pop())
    middle = picture[int(picture.shape[0] * 0.85) :, int(picture.shape[1] * 0.9) :]
    assert middle.max() <= 4


def test_beside_the_mask_nothing_changes() -> None:
    frame = av.VideoFrame.from_ndarray(COLOURS, format="rgb24").reformat(format="yuv420p")
    masked, plain = (shown(e.encode(frame).data).astype(int) for e in (encoder(masks=[CORNER]), encoder()))
    away = ~behind((((0.7, 0.5), (1.0, 0.5), (1.0, 1.0), (0.7, 1.0)),), 256, 128)
    assert np.abs(masked - plain)[away].max() == 0


def test_the_decoders_own_picture_is_left_alone() -> None:
    """A picture that needs no conversion is the decoder's: later ones may be built on it."""
    frame = av.VideoFrame.from_ndarray(COLOURS, format="rgb24").reformat(
        format="yuv420p", dst_color_range=ColorRange.JPEG
    )
    before = [bytes(plane) for plane in frame.planes]
    encoder(masks=[((0, 0), (1, 0), (1, 1), (0, 1))]).encode(frame)
    assert [bytes(plane) for plane in frame.planes] == before


def test_masks_follow_another_size() -> None:
    masks = Masks([CORNER])
    for width, height in ((320, 180), (640, 360), (2, 2)):
        planes = [np.full((height // n, width // n), 99, np.uint8) for n in (1, 2, 2)]
        luma, blue, red = masks.over(*planes)
        assert (luma[-1, -1], blue[-1, -1], red[-1, -1]) == (0, 128, 128)
        assert luma.shape == (height, width)
        assert luma[0, 0] == (99 if width > 2 else 0)
