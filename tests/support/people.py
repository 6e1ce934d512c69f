"""What a camera and its detector put on the bus while somebody is there, and while nobody is."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import simplejpeg

from lianfang import codec
from lianfang.bus import Bus, Position
from lianfang.events import FRAMES, OBSERVATIONS, Frame, FrameReference
from tests.support.observations import observation

_WAIT_S = 30.0
_JPEG: bytes = simplejpeg.encode_jpeg(np.full((48, 64, 3), 90, dtype=np.uint8), colorspace="BGR")


def show(bus: Bus, camera: str, seq: int, visitor: int | None, picture: bytes = _JPEG) -> Position:
    """Publish a picture of now, and that ``visitor`` (None: nobody) was seen in it; return where that lies.

    Where this returns, both are kept; TransientError if they may not be.
    """
    now = datetime.now(UTC)
    height, width, _, _ = simplejpeg.decode_jpeg_header(picture)
    frame = Frame(
        camera_id=camera,
        epoch="c",
        seq=seq,
        captured_at=now,
        camera_time=None,
        published_at=now,
        width=width,
        height=height,
        encoding="jpeg",
        pixels=picture,
    )
    value, headers = codec.encode_frame(frame)
    place = bus.publish(FRAMES, camera, value, headers).result(_WAIT_S)
    seen = observation(0, {} if visitor is None else {visitor: (0.5, 0.9)}, camera=camera).model_copy(
        update={
            "captured_at": now,
            "published_at": now,
            "detected_at": now,
            "frame": FrameReference(
                topic=place.topic,
                partition=place.partition,
                offset=place.offset,
                camera_id=camera,
                epoch="c",
                seq=seq,
            ),
        }
    )
    return bus.publish(OBSERVATIONS, camera, *codec.encode_event(seen)).result(_WAIT_S)
