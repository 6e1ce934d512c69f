"""Who looks at which camera now: one reader a camera however many look, and never more than so many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from alerts.live.sights import Shot, Sight
from lianfang.bus import Bus
from lianfang.clock import Clock


class Full(Exception):  # noqa: N818 - reads as the fact it states
    """As many look already as may."""


@dataclass
class _Watched:
    sight: Sight
    viewers: list[Viewer] = field(default_factory=list)

    def tell(self) -> None:
        for viewer in list(self.viewers):
            viewer.wake()


class Viewer:
    """One who looks at a camera. It belongs to the event loop in which it was made."""

    def __init__(self, sight: Sight, *, annotated: bool) -> None:
        self._sight, self._annotated = sight, annotated
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        self._last: Shot | None = None

    def wake(self) -> None:
        """Say, from any thread, that there is another picture."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def next(self, timeout_s: float) -> Shot | None:
        """Return a picture that is newer than the last one; None where none comes in time."""
        shot = self._newer()
        try:
            async with asyncio.timeout(timeout_s):
                while shot is None:
                    self._woken.clear()
                    await self._woken.wait()
                    shot = self._newer()
        except TimeoutError:
            return None
        self._last = shot
        return shot

    def _newer(self) -> Shot | None:
        shot, last = self._sight.shot(annotated=self._annotated), self._last
        return None if shot is None or (last and shot.captured_at <= last.captured_at) else shot


class Viewers:
    """All who look. Thread-safe; ``most`` may look at a time, all cameras together."""

    def __init__(self, bus: Bus | None, clock: Clock, most: int, key: Callable[[str], str]) -> None:
        """``key`` returns the key of a camera's events in the log."""
        self._bus, self._clock, self._key = bus, clock, key
        self._most = most if bus is not None else 0
        self._lock, self._watched = threading.Lock(), dict[str, _Watched]()
        self.closed = False
        """Whether nobody may look any more, because the service stops."""

    @property
    def count(self) -> int:
        """How many look now."""
        with self._lock:
            return sum(len(watched.viewers) for watched in self._watched.values())

    def watched(self) -> list[str]:
        """Return the cameras that are read now."""
        with self._lock:
            return sorted(self._watched)

    def open(self, camera: str, *, annotated: bool) -> Viewer:
        """Return a viewer of a camera, which is read from now on; Full where too many look."""
        with self._lock:
            if self.closed or sum(len(w.viewers) for w in self._watched.values()) >= self._most:
                raise Full(f"{self._most} look already")
            watched = self._watched.get(camera) or self._begin(camera)
            if annotated:
                watched.sight.annotate()
            viewer = Viewer(watched.sight, annotated=annotated)
            watched.viewers.append(viewer)
            return viewer

    def leave(self, camera: str, viewer: Viewer) -> None:
        """Take a viewer out; a camera that nobody looks at is read no more."""
        with self._lock:
            watched = self._watched[camera]
            watched.viewers.remove(viewer)
            if not watched.viewers:
                watched.sight.end()
                del self._watched[camera]

    def close(self) -> None:
        """Let all go, and nobody in any more."""
        with self._lock:
            self.closed = True
            watched = list(self._watched.values())
        for one in watched:
            one.sight.end()
        for one in watched:
            one.sight.join()

    def _begin(self, camera: str) -> _Watched:
        assert self._bus is not None  # noqa: S101 - or nobody may look
        sight = Sight(self._bus, self._clock, camera, self._key(camera))
        watched = self._watched[camera] = _Watched(sight)
        sight.tell = watched.tell
        watched.sight.begin()
        return watched
