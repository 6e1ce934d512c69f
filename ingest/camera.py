"""Reads one camera, for ever."""

from __future__ import annotations

import math
import threading
import time
import traceback
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from av.error import FFmpegError

from ingest.announcer import Announcer
from ingest.backoff import Backoff
from ingest.clock import ClockWatch
from ingest.encode import Encoder, Jpeg
from ingest.gate import MotionGate
from ingest.health.stream import StreamHealth
from ingest.health.watch import ViewWatch
from ingest.metrics import DropReason, IngestMetrics
from ingest.publisher import FramePublisher
from ingest.rate import Rate
from ingest.selection import Selection
from ingest.sources.base import Asked, Picture, Source, SourceEnded, SourceLost
from ingest.strain import Felt, Strain
from ingest.timing import CaptureTimes, HostTime, Timing
from ingest.worth import Worth
from lianfang.bus import Bus
from lianfang.camera_clock import ClockJudge
from lianfang.clock import Clock
from lianfang.config import Config, Stanza
from lianfang.config.sharing import log_keys
from lianfang.config.way import way_of
from lianfang.events import CameraCondition, CameraReason, Frame
from lianfang.host_clock import HostClock
from lianfang.ids import new_epoch
from lianfang.redact import redact

STABLE_S = 30.0
"""A connection that held for so long makes the next wait a short one again."""
UNUSABLE_S = 10.0
"""Pictures of which none can be used for so long are no pictures."""
STUCK_S = 30.0
"""A source that stands still for so long beyond twice what its stanza lets it wait hangs."""
FLUSH_S = 1.0
"""How often a state that the bus did not take is tried again while there are no pictures."""


@dataclass
class _Connection:
    """What belongs to one connection and ends with it."""

    timing: Timing
    selection: Selection
    epoch: str = field(default_factory=new_epoch)
    seq: int = 0
    online_since_s: float | None = None
    unusable_since_s: float | None = None


class CameraReader:
    """Publishes the pictures of one camera and says when it is online and offline, once each.

    Whatever happens to the camera, the source or the bus, it goes on until it is told to stop. One thread
    runs it.
    """

    def __init__(
        self,
        config: Config,
        camera_id: str,
        source: Source,
        bus: Bus,
        clock: Clock,
        metrics: IngestMetrics,
        backoff: Backoff,
        host: HostClock | None = None,
    ) -> None:
        """``host`` is what its clock is compared with, which is left alone without one."""
        camera = self._camera = config.cameras[camera_id]
        self._id = camera_id
        self._rate = Rate(camera, config.almanac(camera_id))
        self._source = source
        self._asked = Asked(way_of(config, camera_id).stream, camera.keyframes == "always")
        self._clock = clock
        self._metrics = metrics.of(camera_id)
        self._backoff = backoff
        self._host = HostTime(clock)
        self._times = CaptureTimes()
        self._encoder = Encoder.of(camera)
        self._publisher = FramePublisher(camera_id, bus, metrics)
        self._worth = Worth(camera_id, Announcer(bus, log_keys(config)[camera_id]))
        self._view, self._stream = ViewWatch(camera.health), StreamHealth()
        self._patience_s = STUCK_S + 2 * _durations_s(camera.source)
        self._moved_s = clock.monotonic()
        self._strain = Strain()
        judge = ClockJudge(config.clocks.camera_limit_s, host) if host is not None else None
        self._camera_clock = ClockWatch(clock.monotonic, judge) if judge is not None else None
        self._reported = ""
        self._resting = self._relieved = False
        self._log = structlog.get_logger().bind(camera_id=camera_id)

    def stuck_s(self) -> float:
        """Return for how long it has stood still, in seconds, where that is longer than any source may."""
        silent_s = self._clock.monotonic() - self._moved_s
        return silent_s if silent_s > self._patience_s else 0.0

    def give_up(self) -> None:
        """Say that the camera is offline because its thread hangs; another may say so: it cannot."""
        self._worth.offline(self._times.next(self._host.now()), None, CameraReason.STUCK)

    @property
    def opening(self) -> bool:
        """Whether it has not said yet what became of its first attempt."""
        return self._worth.condition is None

    @property
    def losing(self) -> bool:
        """Whether the bus does not take its frames."""
        return self._publisher.losing

    @property
    def felt(self) -> Felt:
        """Whether this machine keeps up with it, as of its last pictures; any thread may ask."""
        return Felt() if self._worth.condition is CameraCondition.OFFLINE else self._strain.felt

    def relieve(self, keyframes: bool) -> None:
        """Read keyframes only from now on, or all pictures again; any thread may ask for it."""
        self._asked.keyframes = keyframes

    def clock_told(self, ahead_s: float) -> None:
        """Take note of what the device itself says of its clock; any thread may call it."""
        if self._camera_clock is not None:
            self._camera_clock.told(ahead_s)

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set."""
        self._metrics.online.set(0)
        self._worth.begin()
        self._resting = False
        while not stop.is_set():
            self._moved_s = self._clock.monotonic()
            self._metrics.attempts.inc()
            selection = Selection(self._rate, MotionGate.of(self._camera), self._host.now())
            connection = _Connection(self._source.timing(self._host), selection)
            self._strain = Strain()
            self._stream.begin()
            wait_s = math.inf
            try:
                self._read(connection, stop)
            except SourceEnded as error:
                self._offline(connection, error.reason, error.detail)
            except SourceLost as error:
                self._offline(connection, error.reason, error.detail)
                wait_s = self._wait_s(connection)
            except Exception as error:  # noqa: BLE001 - the outer loop of the camera: nothing may end it
                self._report(error)
                self._offline(connection, CameraReason.INTERNAL, type(error).__name__)
                wait_s = self._wait_s(connection)
            self._pause(wait_s, stop)

    def rest(self) -> None:
        """Say that the camera is switched off, once until it is read again; nobody may be running it."""
        self._moved_s = self._clock.monotonic()
        if not self._resting:
            self._resting = True
            self._metrics.online.set(0)
            at = self._times.next(self._clock.now())
            self._worth.offline(at, None, CameraReason.SWITCHED_OFF)
            self._log.info("camera_switched_off")
        self._worth.flush()

    def _read(self, connection: _Connection, stop: threading.Event) -> None:
        with closing(self._source.open(stop, self._asked)) as pictures:
            for picture in pictures:
                self._moved_s = self._clock.monotonic()
                self._take(connection, picture)
                self._worth.flush()
        if not stop.is_set():
            raise SourceLost(CameraReason.END_OF_STREAM)

    def _take(self, connection: _Connection, picture: Picture) -> None:
        if picture.frame is None or picture.corrupt:
            self._unusable(connection, "decode" if picture.frame is None else "corrupt")
            return
        self._strain.note(self._clock.monotonic(), time.thread_time(), picture)
        captured_at = self._times.next(connection.timing.taken_at(picture.pts_s))
        self._stream.came(captured_at.timestamp(), self._rate.fps(captured_at))
        try:
            refused = connection.selection.refuses(picture.frame, captured_at)
            if refused is not None:
                self._metrics.drop(refused)
                return
            jpeg = self._encoder.encode(picture.frame)
        except (FFmpegError, ValueError):
            self._unusable(connection, "encode")
            return
        connection.unusable_since_s = None
        frame = self._frame(connection, jpeg, captured_at, picture.camera_time)
        if connection.online_since_s is None:
            self._online(connection, frame)
        if self._view.look(jpeg.luma, captured_at.timestamp()):
            self._worth.views(captured_at, self._view.faults, self._view.kinds)
        self._worth.streams(captured_at, *self._degraded())
        if self._camera_clock is not None and self._source.live and self._camera_clock.is_due():
            self._compare(self._camera_clock, picture.camera_time, captured_at)
        self._publisher.publish(frame, patient=not self._source.live)
        connection.seq += 1

    def _compare(self, watch: ClockWatch, camera_time: datetime | None, captured_at: datetime) -> None:
        """Compare the camera's clock with what the host's says now, wherever captured_at is."""
        set_back = self._host.now() - self._clock.now()
        word = watch.saw(camera_time, captured_at - set_back)
        if word is not None:
            self._metrics.clock(word.offset_s)
            self._worth.clock(word.model_copy(update={"at": captured_at}))

    def _frame(
        self, connection: _Connection, jpeg: Jpeg, captured_at: datetime, camera_time: datetime | None
    ) -> Frame:
        return Frame(
            camera_id=self._id,
            epoch=connection.epoch,
            seq=connection.seq,
            captured_at=captured_at,
            published_at=self._clock.now(),
            width=jpeg.width,
            height=jpeg.height,
            encoding="jpeg",
            pixels=jpeg.data,
            camera_time=camera_time,
        )

    def _unusable(self, connection: _Connection, reason: DropReason) -> None:
        self._metrics.drop(reason)
        self._stream.spoilt()
        now_s = self._clock.monotonic()
        if connection.unusable_since_s is None:
            connection.unusable_since_s = now_s
        elif now_s - connection.unusable_since_s > UNUSABLE_S:
            raise SourceLost(CameraReason.UNUSABLE, f"no usable picture for {UNUSABLE_S:.0f} s ({reason})")

    def _online(self, connection: _Connection, first: Frame) -> None:
        connection.online_since_s = self._clock.monotonic()
        self._reported = ""
        self._metrics.online.set(1)
        self._worth.online(first.captured_at, connection.epoch)
        self._log.info("camera_online", epoch=connection.epoch, width=first.width, height=first.height)

    def _offline(self, connection: _Connection, reason: CameraReason, detail: str = "") -> None:
        if self._worth.condition is CameraCondition.OFFLINE and not self._worth.is_news(reason):
            return
        self._metrics.online.set(0)
        at = self._times.next(connection.timing.now())
        epoch = None if connection.online_since_s is None else connection.epoch
        self._worth.offline(at, epoch, reason, detail)
        self._log.warning("camera_offline", reason=reason.value, detail=detail)

    def _degraded(self) -> tuple[CameraReason | None, str]:
        """Return why fewer or worse pictures come than were asked for, and the figures of it."""
        relieved = self._asked.keyframes and self._camera.keyframes == "auto"
        if relieved is not self._relieved:
            self._relieved = relieved
            self._metrics.keyframes.set(relieved)
        if relieved:
            self._stream.begin()  # what comes now says nothing of the camera
            return CameraReason.KEYFRAMES, ""
        return self._stream.reason, self._stream.detail

    def _wait_s(self, connection: _Connection) -> float:
        since_s = connection.online_since_s
        if since_s is not None and self._clock.monotonic() - since_s > STABLE_S:
            self._backoff.reset()
        return self._backoff.next_s()

    def _pause(self, wait_s: float, stop: threading.Event) -> None:
        end_s = self._clock.monotonic() + wait_s
        while not stop.is_set() and (left_s := end_s - self._clock.monotonic()) > 0:
            self._moved_s = self._clock.monotonic()
            self._worth.flush()
            stop.wait(min(left_s, FLUSH_S))

    def _report(self, error: Exception) -> None:
        """Log a fault of ours with its trace, once until the camera is online again."""
        if repr(error) == self._reported:
            return
        self._reported = repr(error)
        self._log.error("camera_fault", trace=redact("".join(traceback.format_exception(error))))


def _durations_s(stanza: Stanza) -> float:
    """Return the sum of all times that a source's stanza names, in seconds."""
    return sum(float(value) for key, value in stanza if key.endswith("_s") and isinstance(value, int | float))
