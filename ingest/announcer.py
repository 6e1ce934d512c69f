"""Says on the bus what a camera is worth, until the bus has taken it."""

from __future__ import annotations

from concurrent.futures import Future

from lianfang.bus import Bus, Position
from lianfang.codec import encode_event
from lianfang.errors import LianfangError
from lianfang.events import OBSERVATIONS, CameraState


class Announcer:
    """Publishes the newest state of a camera; one that was overtaken before the bus took it is not sent."""

    def __init__(self, bus: Bus, key: str) -> None:
        """``key`` is the camera's in the log."""
        self._bus, self._key = bus, key
        self._wanted: CameraState | None = None
        self._sent: CameraState | None = None
        self._future: Future[Position] | None = None

    def announce(self, state: CameraState) -> None:
        """Publish ``state``, now or with one of the next calls of ``flush``."""
        self._wanted = state
        self.flush()

    def flush(self) -> None:
        """Publish again what the bus did not take. Never waits."""
        if self._future is not None:
            if not self._future.done():
                return
            if self._future.exception() is None and self._wanted is self._sent:
                self._wanted = None
            self._future = None
        if self._wanted is None:
            return
        value, headers = encode_event(self._wanted)
        try:
            self._future = self._bus.publish(OBSERVATIONS, self._key, value, headers)
        except LianfangError:
            return
        self._sent = self._wanted
