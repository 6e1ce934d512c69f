from __future__ import annotations

import av
import numpy as np
import pytest
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace

from ingest.encode import Encoder, fitted

BLOCK = 32
BLOCKS = np.random.default_rng(3).integers(0, 256, (4, 6, 3), dtype=np.uint8)
COLOURS = BLOCKS.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


@pytest.mark.parametrize("max_width", [3840, 96], ids=["same size", "half size"])
@pytest.mark.parametrize(
    ("pixel_format", "colorspace", "color_range"),
    [
        ("yuv420p", Colorspace.ITU601, ColorRange.MPEG),
        ("yuv420p", Colorspace.ITU601, ColorRange.JPEG),
        ("yuvj420p", Colorspace.ITU601, ColorRange.JPEG),
        ("yuv420p", Colorspace.ITU709, ColorRange.MPEG),
        ("yuvj420p", Colorspace.ITU709, ColorRange.JPEG),
        ("yuv422p", Colorspace.ITU601, ColorRange.MPEG),
        ("nv12", Colorspace.ITU709, ColorRange.MPEG),
        ("yuv420p10le", Colorspace.ITU709, ColorRange.MPEG),
        ("yuv420p", None, None),  # a stream that states neither
        ("bgr24", None, None),
        ("rgb24", None, None),
    ],
)
def test_colours_come_out_as_they_went_in(
    pixel_format: str, colorspace: Colorspace | None, color_range: ColorRange | None, max_width: int
) -> None:
    frame = av.VideoFrame.from_ndarray(COLOURS, format="rgb24").reformat(
        format=pixel_format, dst_colorspace=colorspace, dst_color_range=color_range
    )
    jpeg = Encoder(max_width, quality=95).encode(frame)
    decoded = simplejpeg.decode_jpeg(jpeg.data, "rgb")
    assert decoded.shape == (jpeg.height, jpeg.width, 3)
    side = BLOCK * jpeg.width // COLOURS.shape[1]
    middles = decoded[side // 2 :: side, side // 2 :: side].astype(int)
    difference = np.abs(middles - BLOCKS)
    assert difference.mean() < 2.5  # a matrix taken for the other is off by 9, a range by 13
    assert difference.max() <= 8


def test_grey_pictures_stay_grey() -> None:
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)[None, :].repeat(64, axis=0)
    frame = av.VideoFrame.from_ndarray(ramp, format="gray")
    decoded = simplejpeg.decode_jpeg(Encoder(1280, 95).encode(frame).data, "rgb")
    assert np.abs(decoded.astype(int) - ramp[:, :, None]).mean() < 1.5


@pytest.mark.parametrize(
    ("width", "height", "max_width", "expected"),
    [
        (1920, 1080, 1280, (1280, 720)),
        (1280, 720, 1280, (1280, 720)),
        (640, 360, 1280, (640, 360)),  # never enlarged
        (2688, 1520, 1280, (1280, 724)),
        (1919, 1079, 1280, (1280, 720)),
        (17, 9, 1280, (16, 8)),
        (1, 1, 1280, (2, 2)),
        (4000, 1, 160, (160, 2)),
    ],
)
def test_fitted(width: int, height: int, max_width: int, expected: tuple[int, int]) -> None:
    assert fitted(width, height, max_width) == expected
    jpeg = Encoder(max_width, 85).encode(av.VideoFrame(width, height, "rgb24"))
    assert (jpeg.width, jpeg.height) == expected
    assert simplejpeg.decode_jpeg_header(jpeg.data)[:2] == expected[::-1]


def test_one_encoder_serves_pictures_whose_size_and_format_change() -> None:
    encoder = Encoder(1280, 85)
    for width, height, pixel_format in ((320, 240, "yuv420p"), (640, 480, "yuvj420p"), (320, 240, "bgr24")):
        jpeg = encoder.encode(av.VideoFrame(width, height, pixel_format))
        assert (jpeg.width, jpeg.height) == (width, height)


@pytest.mark.parametrize("matrix", [3, 8, 10, 14, 99])
def test_a_matrix_that_cannot_be_converted_is_taken_for_the_usual_one(matrix: int) -> None:
    plain = av.VideoFrame.from_ndarray(COLOURS, format="rgb24").reformat(format="yuv420p")
    expected = Encoder(1280, 85).encode(plain)
    plain.colorspace = matrix
    assert Encoder(1280, 85).encode(plain) == expected


def test_a_format_that_cannot_be_converted_is_an_error() -> None:
    with pytest.raises(OSError, match="not supported"):
        Encoder(1280, 85).encode(av.VideoFrame(64, 64, "rgb4"))
