"""The detector worker: one poller, N threads on shared models, every camera in turn, nothing stale."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from detectors.camera import WatchedCamera
from detectors.stages.base import Stage
from detectors.turns import Turns
from lianfang import codec
from lianfang.bus import Bus, Position, Record
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import DecodeError, TransientError
from lianfang.events import DEAD_LETTER, FRAMES, OBSERVATIONS, Observation

_log = structlog.get_logger()

GROUP = "detectors"
_IDLE_S, _BUSY_S = 0.2, 0.02


class DetectWorker:
    """Looks at frames and publishes observations until it is stopped."""

    def __init__(
        self, config: Config, stages: Mapping[str, Stage], bus: Bus, clock: Clock, registry: CollectorRegistry
    ) -> None:
        self._config, self._stages, self._bus, self._clock = config, stages, bus, clock
        self._deadline = timedelta(seconds=config.runtime.frame_deadline_s)
        self._turns = Turns()
        self._watched: dict[str, WatchedCamera] = {}
        self._running: dict[Future[None], str] = {}
        self._losing = False
        self._seen = Counter(
            "lianfang_frames_detected_total", "Frames looked at", ["camera"], registry=registry
        )
        self._dropped = Counter(
            "lianfang_frames_skipped_total", "Frames not looked at", ["camera", "reason"], registry=registry
        )
        self._seconds = Histogram(
            "lianfang_detect_seconds", "Seconds to look at one frame", registry=registry
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; frames in hand are finished and their observations published."""
        consumer = self._bus.subscribe([FRAMES], GROUP, "latest")
        with ThreadPoolExecutor(self._config.runtime.detect_threads, "detect") as pool:
            while not stop.is_set():
                stuck = len(self._running) == self._config.runtime.detect_threads
                if stuck:
                    wait(self._running, timeout=_BUSY_S, return_when=FIRST_COMPLETED)
                busy = stuck or len(self._turns) > 0
                for record in consumer.poll(0 if busy else _BUSY_S if self._running else _IDLE_S):
                    if self._turns.offer(record):
                        self._dropped.labels(record.key, "superseded").inc()
                self._finish()
                self._start(pool)
            wait(self._running)
            self._finish()
        consumer.close()

    def _start(self, pool: ThreadPoolExecutor) -> None:
        while len(self._running) < self._config.runtime.detect_threads:
            record = self._turns.take()
            if record is None:
                return
            self._running[pool.submit(self._look, record)] = record.key

    def _finish(self) -> None:
        for future in [f for f in self._running if f.done()]:
            self._turns.done(self._running.pop(future))
            future.result()  # an error here is a bug: let the process end loudly and be started again

    def _look(self, record: Record) -> None:
        try:
            frame = codec.decode_frame(record.value, record.headers)
            if self._clock.now() - frame.captured_at > self._deadline:
                self._dropped.labels(record.key, "late").inc()
                return
            camera = self._camera(frame.camera_id)
            if camera is None:
                self._dropped.labels(record.key, "unknown_camera").inc()
                return
            with self._seconds.time():
                observation = camera.look(frame, record.position)
            self._seen.labels(record.key).inc()
        except DecodeError as error:
            self._refuse(record, str(error))
            return
        if observation is not None:
            self._publish(observation)

    def _camera(self, camera_id: str) -> WatchedCamera | None:
        camera = self._config.cameras.get(camera_id)
        if camera is None or not camera.enabled:
            return None
        if camera_id not in self._watched:
            self._watched[camera_id] = WatchedCamera(camera_id, camera, self._stages, self._clock)
        return self._watched[camera_id]

    def _publish(self, observation: Observation) -> None:
        value, headers = codec.encode_event(observation)
        try:
            self._bus.publish(OBSERVATIONS, observation.camera_id, value, headers).add_done_callback(
                lambda future: self._published(observation.camera_id, future)
            )
        except TransientError as error:
            self._lost(observation.camera_id, error)

    def _published(self, camera_id: str, future: Future[Position]) -> None:
        error = future.exception()
        if error is not None:
            self._lost(camera_id, error)
        elif self._losing:
            self._losing = False
            _log.info("observations_published_again")

    def _lost(self, camera_id: str, error: BaseException) -> None:
        """Count it, and say it once: a bus that is away would otherwise fill the log."""
        self._dropped.labels(camera_id, "bus").inc()
        if not self._losing:
            self._losing = True
            _log.warning("observations_lost", camera_id=camera_id, reason=str(error))

    def _refuse(self, record: Record, reason: str) -> None:
        """Keep what could not be read in the dead letter, with the reason."""
        self._dropped.labels(record.key, "undecodable").inc()
        _log.error("dead_frame", camera_id=record.key, offset=record.position.offset, reason=reason)
        headers = {**record.headers, "dead_reason": reason, "dead_topic": record.position.topic}
        try:
            self._bus.publish(DEAD_LETTER, record.key, record.value, headers)
        except TransientError as error:
            self._lost(record.key, error)
