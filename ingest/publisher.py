"""Hands the frames of one camera to the bus."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, wait

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

    That it takes none, and that it takes them again, is logged once each. One thread publishes; answers come
    in the bus's.
    """

    def __init__(self, camera_id: str, bus: Bus, metrics: IngestMetrics) -> None:
        self._bus = bus
        self._metrics = metrics.of(camera_id)
        self._losing = False
        self._log = structlog.get_logger().bind(camera_id=camera_id)

    @property
    def losing(self) -> bool:
        """Whether the bus has not taken the last frame that it has answered for."""
        return self._losing

    def publish(self, frame: Frame, patient: bool) -> None:
        """Publish ``frame``; a patient caller returns only when the bus has taken it, or after WAIT_S."""
        pixels, headers = encode_frame(frame)
        try:
            future = self._bus.publish(FRAMES, frame.camera_id, pixels, headers)
        except LianfangError as error:
            self._lost(error)
            return
        future.add_done_callback(self._answered)
        hop_s = (frame.published_at - frame.captured_at).total_seconds()
        self._metrics.published_after.observe(max(0.0, hop_s))
        if patient:
            wait([future], WAIT_S)

    def _answered(self, future: Future[Position]) -> None:
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._lost(error)
            return
        self._metrics.published.inc()
        if self._losing:
            self._losing = False
            self._log.info("frames_taken_again")

    def _lost(self, error: BaseException) -> None:
        self._metrics.drop("bus")
        if not self._losing:
            self._losing = True
            self._log.warning("frames_lost", reason=str(error))
