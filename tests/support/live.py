"""A camera that publishes while somebody looks: its frames, and what detectors say of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg

from lianfang import codec
from lianfang.bus import Bus, Position
from lianfang.clock import SystemClock
from lianfang.events import FRAMES, OBSERVATIONS, DetectedObject, Frame, FrameReference, Observation

SIZE = (640, 360)
BOX = (0.4, 0.3, 0.5, 0.8)


def jpeg(shade: int = 90) -> bytes:
    """Return a picture of one shade."""
    image = np.full((SIZE[1], SIZE[0], 3), shade, dtype=np.uint8)
    encoded: bytes = simplejpeg.encode_jpeg(image, quality=80, colorspace="BGR")
    return encoded


def publish_picture(bus: Bus, camera: str, seq: int, picture: bytes) -> tuple[Frame, Position]:
    """Publish a picture of a camera."""
    now = SystemClock().now()
    frame = Frame(camera, "c", seq, now, now, *SIZE, "jpeg", picture)
    return frame, bus.publish(FRAMES, camera, *codec.encode_frame(frame)).result(10)


def publish_seen(bus: Bus, key: str, frame: Frame, place: Position) -> None:
    """Publish that a detector saw one person in a frame; ``key`` is the camera's in the log."""
    reference = FrameReference(
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        camera_id=frame.camera_id,
        epoch=frame.epoch,
        seq=frame.seq,
    )
    person = DetectedObject(track_id="e:1", label="person", confidence=0.87, xyxyn=BOX)
    seen = Observation(
        camera_id=frame.camera_id,
        track_epoch="e",
        frame=reference,
        captured_at=frame.captured_at,
        published_at=frame.captured_at,
        detected_at=frame.captured_at,
        width=frame.width,
        height=frame.height,
        objects=(person,),
    )
    bus.publish(OBSERVATIONS, key, *codec.encode_event(seen)).result(10)


@contextmanager
def running(
    bus: Bus, camera: str, key: str, every_s: float = 0.05, picture: bytes | None = None
) -> Iterator[None]:
    """Let a camera publish the same picture again and again, each time looked at at once."""
    stop, shown = threading.Event(), picture or jpeg()

    def run() -> None:
        seq = 0
        while not stop.wait(every_s):
            publish_seen(bus, key, *publish_picture(bus, camera, seq, shown))
            seq += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
