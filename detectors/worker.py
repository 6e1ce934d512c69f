"""The detector worker: one poller, N threads on shared models, every camera in turn, nothing stale."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from detectors.camera import WatchedCamera
from detectors.stages.base import Stage
from detectors.turns import Turns
from lianfang import codec
from lianfang.bus import Bus, Consumer, Position, Record, TopicPartition
from lianfang.camera_clock import ClockJudge, host_clock
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import DecodeError, TransientError
from lianfang.events import DEAD_LETTER, FRAMES, OBSERVATIONS, Frame, Observation

_log = structlog.get_logger()

GROUP = "detectors"
_IDLE_S, _BUSY_S = 0.2, 0.02
_STUCK_S = 10.0  # a loop that has not turned for so long is not working
HANGS_S = 120.0
"""What takes so long never ends: a model's first look is done before the worker has one."""
DEAD_EVERY_S = 60.0  # a camera that sends only what cannot be read would fill the disk with dead letters


class DetectWorker:
    """Looks at frames and publishes observations until it is stopped."""

    def __init__(
        self,
        config: Config,
        stages: Mapping[str, Stage],
        bus: Bus,
        clock: Clock,
        registry: CollectorRegistry,
        in_force: Callable[[datetime], Config] | None = None,
    ) -> None:
        """``in_force`` gives the configuration by which a frame of a time is looked at."""
        self._in_force = in_force or (lambda _at: config)
        self._config, self._stages, self._bus, self._clock = config, stages, bus, clock
        self._keys = log_keys(config)  # a guest's camera, which the file has not, is its own
        self._host = host_clock(config, clock)
        self._deadline = timedelta(seconds=config.runtime.frame_deadline_s)
        self._turns = Turns()
        self._watched: dict[str, WatchedCamera] = {}
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._places: dict[str, TopicPartition] = {}  # of the cameras that are ours to look at
        self._running: dict[Future[None], str] = {}
        self._begun: dict[str, float] = {}  # camera → when a look at it began that has not ended
        self._passed_over: Mapping[str, int] = {}
        self._dead_at: dict[str, float] = {}
        self._losing = False
        self._unreached = False
        self._turned_at: float | None = None
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
        with closing(consumer), ThreadPoolExecutor(self._config.runtime.detect_threads, "detect") as pool:
            while not stop.is_set():
                self._turned_at = self._clock.monotonic()
                self._receive(consumer)
                self._finish()
                self._start(pool)
            wait(self._running)
            self._finish()

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it."""
        if self._turned_at is None:
            return {"detector": "starting"}
        silent_s = self._clock.monotonic() - self._turned_at
        turning = "ok" if silent_s < _STUCK_S else f"no turn for {silent_s:.0f} s"
        bus = "out of reach" if self._unreached else "observations are lost" if self._losing else "ok"
        return {"detector": turning, "bus": bus}

    def standing(self) -> Mapping[str, float]:
        """Return what hangs, and for how many seconds: the loop, or a look at the picture of a camera."""
        now = self._clock.monotonic()
        begun = {f"look at {key}": at for key, at in list(self._begun.items())}
        if self._turned_at is not None:
            begun["loop"] = self._turned_at
        return {role: now - at for role, at in begun.items() if now - at >= HANGS_S}

    def _receive(self, consumer: Consumer) -> None:
        """Let what has come wait for its turn; pause while there is nothing else to do."""
        # After `_start` a frame waits only where every thread is busy, or with an older one of its camera.
        blocked = len(self._running) == self._config.runtime.detect_threads or len(self._turns) > 0
        if blocked:
            wait(self._running, timeout=_BUSY_S, return_when=FIRST_COMPLETED)
        records = consumer.poll(0 if blocked else _BUSY_S if self._running else _IDLE_S)
        self._forget(self._assigned - consumer.assignment())
        self._assigned, self._unreached = consumer.assignment(), consumer.lost
        for record in records:
            self._places[record.key] = TopicPartition(record.position.topic, record.position.partition)
            if self._turns.offer(record):
                self._dropped.labels(record.key, "superseded").inc()
        self._count_passed_over(consumer.skipped())

    def _forget(self, lost: frozenset[TopicPartition]) -> None:
        """Drop the trackers of cameras that another worker looks at now.

        Should they come back, they begin a new track epoch: the old one is retired by then, and whatever it
        said would not be believed.
        """
        for key in [key for key, place in self._places.items() if place in lost]:
            del self._places[key]
            if self._turns.withdraw(key):
                self._dropped.labels(key, "moved").inc()
            self._watched.pop(key, None)

    def _count_passed_over(self, counts: Mapping[str, int]) -> None:
        """Count the frames that the bus itself has passed over, given their sums so far."""
        for key, count in counts.items():
            if news := count - self._passed_over.get(key, 0):
                self._dropped.labels(key, "superseded").inc(news)
        self._passed_over = counts

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
            frame = _frame(record)
            if record.key not in self._places:
                self._dropped.labels(record.key, "moved").inc()
                return
            if self._clock.now() - frame.captured_at > self._deadline:
                self._dropped.labels(record.key, "late").inc()
                return
            camera = self._camera(frame)
            if camera is None or camera.is_old(frame):
                self._dropped.labels(record.key, "unknown_camera" if camera is None else "old").inc()
                return
            self._begun[record.key] = self._clock.monotonic()
            with self._seconds.time():
                observation = camera.look(frame, record.position)
            self._seen.labels(record.key).inc()
        except DecodeError as error:
            self._refuse(record, str(error))
            return
        finally:
            self._begun.pop(record.key, None)
        if observation is not None:
            self._publish(observation)

    def _camera(self, frame: Frame) -> WatchedCamera | None:
        """Return the camera of ``frame``, None where it is not configured, or off."""
        camera = self._in_force(frame.captured_at).cameras.get(frame.camera_id)
        if camera is None or not camera.enabled:
            return None
        watched = self._watched.get(frame.camera_id)
        if watched is None or watched.is_over(frame) or not watched.is_drawn_as(camera):
            judge = ClockJudge(self._config.clocks.camera_limit_s, self._host)
            watched = WatchedCamera(frame.camera_id, camera, self._stages, self._clock, judge)
            self._watched[frame.camera_id] = watched
        return watched

    def _publish(self, observation: Observation) -> None:
        camera_id = observation.camera_id
        key = self._keys.get(camera_id, camera_id)
        try:
            future = self._bus.publish(OBSERVATIONS, key, *codec.encode_event(observation))
            future.add_done_callback(partial(self._published, camera_id))
        except TransientError as error:
            self._lost(camera_id, error)

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
        """Count what could not be read; keep it in the dead letter, unless another was kept just now."""
        self._dropped.labels(record.key, "undecodable").inc()
        now, last = self._clock.monotonic(), self._dead_at.get(record.key)
        if last is not None and now - last < DEAD_EVERY_S:
            return
        self._dead_at[record.key] = now
        _log.error("dead_frame", camera_id=record.key, offset=record.position.offset, reason=reason)
        headers = {**record.headers, "dead_reason": reason, "dead_topic": record.position.topic}
        try:
            self._bus.publish(DEAD_LETTER, record.key, record.value, headers)
        except TransientError as error:
            self._lost(record.key, error)


def _frame(record: Record) -> Frame:
    frame = codec.decode_frame(record.value, record.headers)
    if frame.camera_id != record.key:
        raise DecodeError(f"a frame of {frame.camera_id!r} under the key {record.key!r}")
    return frame
