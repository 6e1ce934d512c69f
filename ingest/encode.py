"""From a decoded picture to a JPEG, without going through RGB."""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from ingest.view import Cut, Masks, Plane, samples
from lianfang.config import Camera

_KNOWN_MATRICES = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
"""Of FFmpeg's AVColorSpace (ITU-T H.273): RGB, BT.709, unstated, FCC, two of BT.601, SMPTE 240M, BT.2020."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An encoded picture, its size in pixels, and its brightness (height, width), to be looked at at once."""

    data: bytes
    width: int
    height: int
    luma: Plane = field(repr=False, compare=False)


def fitted(width: int, height: int, max_width: int) -> tuple[int, int]:
    """Return the size, in even pixels and at least 2, of a picture scaled down to ``max_width``.

    Even, because the colour planes of 4:2:0 have half the size. The aspect ratio is kept within a pixel.
    """
    scale = min(1.0, max_width / width)
    return max(2, int(width * scale) // 2 * 2), max(2, round(height * scale / 2) * 2)


class Encoder:
    """Cuts, scales to ``max_width`` pixels at most, masks, encodes. One thread owns it; ``quality`` is 1-100.

    JPEG knows only full-range BT.601 (JFIF 1.02): cameras mostly send limited range, and BT.709 when they
    send HD. A picture that does not say its matrix, or names one that FFmpeg cannot convert, is taken for
    BT.601, as FFmpeg and OpenCV take it: a wrong tag must not blind a camera.
    """

    def __init__(
        self, max_width: int, quality: int, cut: Cut | None = None, masks: Masks | None = None
    ) -> None:
        self._max_width = max_width
        self._quality = quality
        self._cut, self._masks = cut, masks
        self._reformatter = VideoReformatter()

    @classmethod
    def of(cls, camera: Camera) -> Encoder:
        """Return what makes the published pictures of ``camera``."""
        cut = Cut(camera.crop) if camera.crop is not None else None
        masks = Masks(camera.masks) if camera.masks else None
        return cls(camera.max_width, camera.jpeg_quality, cut, masks)

    def encode(self, frame: av.VideoFrame) -> Jpeg:
        """Return the picture; FFmpegError or ValueError where its pixel format cannot be converted."""
        if self._cut is not None:
            frame = self._cut.of(frame)
        width, height = fitted(frame.width, frame.height, self._max_width)
        full = self._reformatter.reformat(
            frame,
            width,
            height,
            "yuv420p",
            src_colorspace=None if frame.colorspace in _KNOWN_MATRICES else Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        luma, blue, red = (samples(plane) for plane in full.planes)
        if self._masks is not None:
            luma, blue, red = self._masks.over(luma, blue, red)
        data: bytes = simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=self._quality)
        return Jpeg(data, width, height, luma)
