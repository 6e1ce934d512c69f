"""Reads the cameras of guests: a process each, begun and ended as their owners want."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from ingest.guests.spawned import Cell
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.codec import encode_event
from lianfang.errors import LianfangError, TransientError
from lianfang.events import OBSERVATIONS, CameraCondition, CameraReason, CameraState
from lianfang.reach.shared import Readable

_log = structlog.get_logger()

ASK_S = 1.0
LEASE_S = 10.0
"""Without an answer for so long nothing is read any more: an owner may have withdrawn meanwhile."""
_KEPT_S = 5.0  # a picture that decided something is copied by then
_FIRST_S, _LONGEST_S = 1.0, 30.0  # until a process that died is started again


class GuestKeeper:
    """One thread runs it; each process has a thread that hears it."""

    def __init__(
        self,
        ask: Callable[[], Mapping[str, Readable]],
        bus: Bus,
        clock: Clock,
        memory_mb: int,
        log_level: str = "info",
    ) -> None:
        """``ask`` returns what may be read now; TransientError where nobody says so."""
        self._ask, self._bus, self._clock = ask, bus, clock
        self._memory_mb, self._log_level = memory_mb, log_level
        self.cells: dict[str, Cell] = {}
        """The processes that there are, by camera."""
        self._allowed: Mapping[str, Readable] = {}
        self._until_s = -1.0
        self._due: dict[str, tuple[float, float]] = {}  # that died: when to start, what it waits
        self._fading: dict[str, float] = {}  # whose frames are to be deleted when
        self._deaf = False

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it."""
        return {"guests": "the alert service does not say what may be read" if self._deaf else "ok"}

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set."""
        try:
            while not stop.is_set():
                self.turn()
                stop.wait(ASK_S)
        finally:
            for name in list(self.cells):
                self._end(name)

    def turn(self) -> None:
        """Ask once, and do what the answer says."""
        now_s = self._clock.monotonic()
        try:
            self._allowed, self._until_s = self._ask(), now_s + LEASE_S
            self._hearing(deaf=False)
        except TransientError as error:
            if now_s >= self._until_s:
                self._allowed = {}
                self._hearing(deaf=True, reason=str(error))
        for name, cell in list(self.cells.items()):
            if self._allowed.get(name) != cell.told:
                self._end(name)
                self._due.pop(name, None)
            elif cell.ended:
                self._end(name)
                _, waited_s = self._due.get(name, (0.0, 0.0))
                wait_s = min(max(_FIRST_S, waited_s * 2), _LONGEST_S)
                self._due[name] = (now_s + wait_s, wait_s)
        for name, told in self._allowed.items():
            if name not in self.cells and self._due.get(name, (0.0, 0.0))[0] <= now_s:
                self._fading.pop(name, None)
                self.cells[name] = Cell(name, told, self._bus, self._memory_mb, self._log_level)
        for name in [name for name, at_s in self._fading.items() if at_s <= now_s]:
            del self._fading[name]
            self._bus.forget(name)

    def _end(self, name: str) -> None:
        """Hear nothing more of a process from now on, and end it."""
        self.cells.pop(name).end()
        self._fading[name] = self._clock.monotonic() + _KEPT_S
        state = CameraState(
            camera_id=name,
            condition=CameraCondition.OFFLINE,
            captured_at=self._clock.now(),
            reason=CameraReason.SWITCHED_OFF,
        )
        try:
            self._bus.publish(OBSERVATIONS, name, *encode_event(state))
        except LianfangError as error:
            _log.warning("guest_offline_not_said", camera_id=name, reason=str(error))

    def _hearing(self, *, deaf: bool, reason: str = "") -> None:
        if deaf and not self._deaf:
            _log.warning("guests_unknown", reason=reason, lease_s=LEASE_S)
        elif self._deaf and not deaf:
            _log.info("guests_known_again")
        self._deaf = deaf
