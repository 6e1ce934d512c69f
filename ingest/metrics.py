"""What ingest counts."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from lianfang.metrics import hop_histogram

DropReason = Literal["fps", "still", "corrupt", "decode", "encode", "bus"]


class IngestMetrics:
    """The series of one process, in one registry; building it twice for a registry is an error."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "lianfang_frames_published", "Frames taken by the bus.", ["camera"], registry=registry
        )
        self.dropped = Counter(
            "lianfang_frames_dropped",
            "Pictures that were not published: more than the target fps, of a still scene, corrupt, not "
            "decodable, not encodable, or not taken by the bus.",
            ["camera", "reason"],
            registry=registry,
        )
        self.online = Gauge(
            "lianfang_camera_online",
            "1 while the camera gives pictures, else 0.",
            ["camera"],
            registry=registry,
            multiprocess_mode="livemax",  # one process reads a camera; what a dead one said does not count
        )
        self.keyframes = Gauge(
            "lianfang_camera_keyframes",
            "1 while only keyframes of the camera are decoded because this machine cannot keep up, else 0.",
            ["camera"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.attempts = Counter(
            "lianfang_camera_connections",
            "Attempts to connect to the camera: the log tells only of changes.",
            ["camera"],
            registry=registry,
        )
        self.clock = Gauge(
            "lianfang_camera_clock_offset_seconds",
            "By how much the camera's clock is ahead of the host's, as the camera's stream or service says.",
            ["camera"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.host_clock = Gauge(
            "lianfang_host_clock_synchronised",
            "1 while the system says that the host's clock is synchronised, 0 while not, -1 if silent.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self.hop = hop_histogram(registry)

    def of(self, camera_id: str) -> CameraMetrics:
        """Return the series of one camera."""
        return CameraMetrics(self, camera_id)


class CameraMetrics:
    """The series of one camera, each looked up once and not for every picture."""

    def __init__(self, metrics: IngestMetrics, camera_id: str) -> None:
        self.published = metrics.published.labels(camera_id)
        self.online = metrics.online.labels(camera_id)
        self.keyframes = metrics.keyframes.labels(camera_id)
        self.attempts = metrics.attempts.labels(camera_id)
        self.published_after = metrics.hop.labels("captured_to_published")
        self._metrics, self._id = metrics, camera_id
        self._dropped: dict[DropReason, Counter] = {}

    def drop(self, reason: DropReason) -> None:
        """Count a picture that was not published."""
        if reason not in self._dropped:
            self._dropped[reason] = self._metrics.dropped.labels(self._id, reason)
        self._dropped[reason].inc()

    def clock(self, offset_s: float) -> None:
        """Say by how much its clock is ahead; until then there is no such series."""
        self._metrics.clock.labels(self._id).set(offset_s)


class SensorMetrics:
    """The series of the process that reads sensors, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "lianfang_readings_published", "Readings taken by the bus.", ["sensor"], registry=registry
        )
        self.lost = Counter(
            "lianfang_readings_lost", "Readings that the bus did not take.", ["sensor"], registry=registry
        )
        self.unread = Counter(
            "lianfang_messages_unread",
            "Messages that say no reading; they are in the dead letter.",
            ["sensor"],
            registry=registry,
        )
        self.connected = Gauge(
            "lianfang_sensor_connected",
            "1 while the connection over which the sensor is heard stands, else 0.",
            ["sensor"],
            registry=registry,
            multiprocess_mode="livemax",
        )
