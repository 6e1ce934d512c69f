"""Hands the frames of one camera to the bus."""

from __future__ import annotations

from concurrent.futures import Future, wait

import structlog

from ingest.metrics import IngestMetrics
from lianfang.bus import Bus, Position
from lianfang.codec import encode_frame
from lianfang.errors import LianfangError
from lianfang.events import FRAMES, Frame

WAIT_S = 5.0
"""How long a source that can wait lets the bus take a frame."""


class FramePublisher:
    """Publishes frames and counts what became of them; what the bus does not take is gone.

    That it refuses, and that it takes again, is logged once each. One thread owns it.
    """

    def __init__(self, camera_id: str, bus: Bus, metrics: IngestMetrics) -> None:
        self._id = camera_id
        self._bus = bus
        self._metrics = metrics
        self._refused = False
        self._log = structlog.get_logger().bind(camera_id=camera_id)

    def publish(self, frame: Frame, patient: bool) -> None:
        """Publish ``frame``; a patient caller returns only when the bus has taken it, or after WAIT_S."""
        pixels, headers = encode_frame(frame)
        try:
            future = self._bus.publish(FRAMES, frame.camera_id, pixels, headers)
        except LianfangError as error:
            self._metrics.drop(self._id, "bus")
            if not self._refused:
                self._log.warning("frames_refused", reason=str(error))
            self._refused = True
            return
        if self._refused:
            self._log.info("frames_taken_again")
        self._refused = False
        future.add_done_callback(self._count)
        hop_s = (frame.published_at - frame.captured_at).total_seconds()
        self._metrics.hop.labels("captured_to_published").observe(max(0.0, hop_s))
        if patient:
            wait([future], WAIT_S)

    def _count(self, future: Future[Position]) -> None:
        if future.cancelled() or future.exception() is not None:
            self._metrics.drop(self._id, "bus")
        else:
            self._metrics.published.labels(self._id).inc()
