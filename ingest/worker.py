"""Reads several cameras in one process."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

from ingest.asked_clocks import AskedClocks
from ingest.backoff import Backoff
from ingest.camera import CameraReader
from ingest.lateness import OF_THIS_PROCESS
from ingest.metrics import IngestMetrics
from ingest.relief import Relief
from ingest.sources.base import Source
from lianfang import plugins
from lianfang.bus import Bus
from lianfang.camera_clock import host_clock
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.way import vital as vital_cameras
from lianfang.following import Following
from lianfang.host_clock import HostClock

_log = structlog.get_logger()

JOIN_S = 8.0
"""How long a stop waits for cameras that do not answer: less than the supervisor waits for this process."""


KNOWN_S = 15.0
"""How long cameras wait at the start for the bus to say which of them are switched off."""
_LOOK_S = 0.2
AT_ONCE = 8
"""So many cameras are opened at once at the start: opening one costs more than reading it for a while."""
OPENING_S = 2.0
"""One that has not answered for so long keeps no other waiting."""
_SAY_S = 1.0  # for the bus to take the last word on a camera that hangs


class IngestWorker:
    """One thread a camera that is on, and nothing that one camera does reaches another.

    ``camera_ids`` are the cameras of ``config`` that this process reads.
    """

    def __init__(
        self, config: Config, camera_ids: Sequence[str], bus: Bus, clock: Clock, metrics: IngestMetrics
    ) -> None:
        self._clock, self._settings = clock, Following(config, bus, "ingest")
        host = host_clock(config, clock)
        host.tell(metrics.host_clock)
        self._readers = {
            camera_id: _reader(config, camera_id, bus, clock, metrics, host) for camera_id in camera_ids
        }
        sources = {camera_id: config.cameras[camera_id].source for camera_id in camera_ids}
        self._asked_clocks = AskedClocks(sources, clock, self._clock_told)
        self._relief = Relief()
        self._relievable = [name for name in camera_ids if config.cameras[name].keyframes == "auto"]
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._opening: dict[str, float] = {}  # camera: when its thread began

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it. Cameras may be offline: no fault of ours."""
        losing = sorted(camera_id for camera_id, reader in self._readers.items() if reader.losing)
        return {"bus": f"frames are lost: {', '.join(losing)}" if losing else "ok"}

    def standing(self) -> Mapping[str, float]:
        """Return the cameras whose thread hangs, and for how many seconds; each has been said offline."""
        threads = {camera_id: thread for camera_id, (thread, _) in self._running.items()}
        stuck = {c: s for c, reader in self._readers.items() if c in threads and (s := reader.stuck_s())}
        found = {c: s for c, s in stuck.items() if threads[c].is_alive()}
        for camera_id in found:
            self._readers[camera_id].give_up()
        if found:
            time.sleep(_SAY_S)
        return found

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set, whatever is switched on; also when every source has ended."""
        following = threading.Thread(target=self._settings.run, args=(stop,), name="settings", daemon=True)
        following.start()
        asking = threading.Thread(target=self._asked_clocks.run, args=(stop,), name="clocks", daemon=True)
        asking.start()
        self._wait_for_settings(stop)
        while not stop.is_set():
            self._switch(self._settings.off(self._clock.now()))
            self._relieve()
            OF_THIS_PROCESS.turn(_LOOK_S)
            stop.wait(_LOOK_S)
        for _, end in self._running.values():
            end.set()
        deadline_s = time.monotonic() + JOIN_S
        threads = [following, asking, *(thread for thread, _ in self._running.values())]
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        stuck = [thread.name for thread in threads if thread.is_alive()]
        if stuck:
            _log.warning("camera_threads_left", threads=stuck)

    def _clock_told(self, camera_id: str, ahead_s: float) -> None:
        self._readers[camera_id].clock_told(ahead_s)

    def _wait_for_settings(self, stop: threading.Event) -> None:
        """Open no camera that is off; where nobody says so for long, a camera that watches is worth more."""
        deadline_s = time.monotonic() + KNOWN_S
        while not stop.is_set() and not self._settings.known.wait(_LOOK_S):
            if time.monotonic() >= deadline_s:
                _log.warning("settings_unknown", waited_s=KNOWN_S)
                return

    def _relieve(self) -> None:
        """Read by keyframes what has to be, while this machine cannot keep up."""
        felt = {camera_id: self._readers[camera_id].felt for camera_id in self._relievable}
        held = self._relief.decide(self._clock.monotonic(), felt, self._vital)
        for camera_id in self._relievable:
            self._readers[camera_id].relieve(camera_id in held)

    def _vital(self) -> frozenset[str]:
        """Return the cameras of rules of life safety, as people have set them now."""
        return vital_cameras(self._settings.config(self._clock.now()))

    def _switch(self, off: frozenset[str]) -> None:
        """Begin to read what is on, end what is off. A source may need seconds to end."""
        for camera_id, reader in self._readers.items():
            thread, end = self._running.get(camera_id, (None, None))
            if thread is not None and thread.is_alive():
                if end is not None and camera_id in off:
                    end.set()
            elif camera_id in off:
                reader.rest()
            elif self._opens(camera_id):
                self._running[camera_id] = _started(camera_id, reader)

    def _opens(self, camera_id: str) -> bool:
        """Say whether a camera may begin now; it is then one of those that are being opened."""
        now_s = self._clock.monotonic()
        self._opening = {
            name: since_s
            for name, since_s in self._opening.items()
            if self._readers[name].opening and now_s - since_s < OPENING_S
        }
        if len(self._opening) >= AT_ONCE:
            return False
        self._opening[camera_id] = now_s
        return True


def _started(camera_id: str, reader: CameraReader) -> tuple[threading.Thread, threading.Event]:
    end = threading.Event()
    thread = threading.Thread(target=reader.run, args=(end,), name=f"camera {camera_id}", daemon=True)
    thread.start()
    return thread, end


def _reader(
    config: Config, camera_id: str, bus: Bus, clock: Clock, metrics: IngestMetrics, host: HostClock
) -> CameraReader:
    source: Source = plugins.build("ingest.sources", config.cameras[camera_id].source, clock)
    backoff = Backoff(random.Random())  # noqa: S311 - jitter, not a secret
    return CameraReader(config, camera_id, source, bus, clock, metrics, backoff, host)
