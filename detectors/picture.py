"""A frame of the bus as an array, distrusting what it says of itself."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from lianfang.errors import DecodeError
from lianfang.events import Frame

MAX_SIDE = 4096  # ingest publishes at most 3840 wide; a JPEG of a few bytes can claim 65,535 by 65,535


def decode(frame: Frame) -> NDArray[np.uint8]:
    """Return the picture, (height, width, 3) uint8 BGR; DecodeError where it is not what its frame says."""
    name = f"frame {frame.camera_id}/{frame.epoch}/{frame.seq}"
    if not (0 < frame.width <= MAX_SIDE and 0 < frame.height <= MAX_SIDE):
        raise DecodeError(f"{name}: {frame.width}x{frame.height}, each side must be 1 to {MAX_SIDE}")
    if frame.encoding == "bgr24":
        size = frame.width * frame.height * 3
        if len(frame.pixels) != size:
            raise DecodeError(f"{name}: {len(frame.pixels)} bytes of pixels, not {size}")
        return np.frombuffer(frame.pixels, dtype=np.uint8).reshape(frame.height, frame.width, 3)
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(frame.pixels)
        if (width, height) != (frame.width, frame.height):
            raise DecodeError(f"{name}: the JPEG is {width}x{height}, not {frame.width}x{frame.height}")
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(frame.pixels, colorspace="BGR")
    except ValueError as error:
        raise DecodeError(f"{name} is no JPEG: {error}") from error
    return image
