"""The live stream: one reader of the store for any number of consoles.

Each change is read and encoded once; followers share the bytes. A follower holds no queue, only the number of
the last change it got: one that is slow, or was away, is served from the store until it has caught up with
the recent changes kept here. That is also what makes a stream without a gap and without a double: it is
always "what follows that number".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

import structlog

_log = structlog.get_logger()

RECENT = 500  # changes kept here, about 2 KB each
PAGE = 200  # changes of one read
MAX_CATCH_UP = 2000  # beyond this a console reads its pages again, which is less
HEARTBEAT_S = 15.0
# Of several alert services over one store nobody says what the others commit: it is looked up this often.
POLL_S = 1.0
# Every commit of the service wakes the reader, and most commits only move an offset: this bounds its turns.
_PAUSE_S = 0.1


class Source(Protocol):
    """The store as the feed reads it; every method may block."""

    def position(self) -> int:
        """Return the number of the newest change, 0 if there is none."""
        ...

    def changes(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return the changes after a number, oldest first, each encoded as an event of the stream."""
        ...

    def cameras(self) -> Mapping[str, str]:
        """Return the state of every camera, as JSON."""
        ...

    def heartbeat(self, position: int) -> bytes:
        """Return the event that says that everything up to ``position`` was sent."""
        ...


@dataclass
class _Cameras:
    """Camera states, each with the number of its last change: a follower asks for what came after its own."""

    version: int = 0
    states: dict[str, tuple[int, str]] = field(default_factory=dict)

    def update(self, states: Mapping[str, str]) -> bool:
        changed = {c: s for c, s in states.items() if c not in self.states or self.states[c][1] != s}
        if changed:
            self.version += 1
            self.states.update({c: (self.version, s) for c, s in changed.items()})
        return bool(changed)

    def since(self, version: int) -> bytes:
        states = [state for changed, state in self.states.values() if changed > version]
        return f'event: cameras\ndata: {{"cameras":[{",".join(states)}]}}\n\n'.encode() if states else b""


class ChangeFeed:
    """Lives on one event loop; ``wake``, ``nudge`` and ``close`` may be called from any thread."""

    def __init__(self, source: Source, *, heartbeat_s: float = HEARTBEAT_S, recent: int = RECENT) -> None:
        self._source, self._heartbeat_s = source, heartbeat_s
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=recent)
        self._floor = self._position = 0  # _recent holds every change in (floor, position]
        self._cameras = _Cameras()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken, self._news = asyncio.Event(), asyncio.Event()
        self._reading = asyncio.Lock()
        self._idle, self._failing, self._closed = True, False, False
        self.followers = 0

    async def run(self) -> None:
        """Read what is committed, whenever somebody follows, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            self._woken.clear()
            if self.followers:
                await self._try_to_read()
            await asyncio.sleep(_PAUSE_S)

    async def _try_to_read(self) -> None:
        """Read once. If that fails, end the streams: a console that shows "live" must be live."""
        try:
            await self.refresh()
        except Exception as error:  # noqa: BLE001 - the reader's outer loop must outlive any fault
            _log.error("stream_not_readable", error=str(error), kind=type(error).__name__)
            self._failing = True
            self._announce()

    def wake(self) -> None:
        """Say that something was committed."""
        self._from_any_thread(self._woken.set)

    def nudge(self) -> None:
        """Make every follower look at its session again."""
        self._from_any_thread(self._announce)

    def close(self) -> None:
        """End every stream now, and refuse new ones."""
        self._closed = True
        self.nudge()

    def _from_any_thread(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and the streams with it
                self._loop.call_soon_threadsafe(call)

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Count a follower while it is there."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            self._idle = self._idle or not self.followers

    async def refresh(self) -> None:
        """Take over everything new; raises what the store raises."""
        async with self._reading:
            if self._idle:
                # Nobody followed, so nobody read: start at the newest, what is older comes from the store.
                self._position = self._floor = await asyncio.to_thread(self._source.position)
                self._recent.clear()
                self._idle = False
            news = self._cameras.update(await asyncio.to_thread(self._source.cameras))
            more = True
            while more:
                changes = await asyncio.to_thread(self._source.changes, self._position, PAGE)
                news, more = news or bool(changes), len(changes) == PAGE
                for change in changes:
                    if len(self._recent) == self._recent.maxlen:
                        self._floor = self._recent[0][0]
                    self._recent.append(change)
                    self._position = change[0]
            self._failing = False
        if news:
            self._announce()

    async def follow(
        self,
        after: int | None,
        seconds_left: Callable[[], float],
        see: Callable[[bytes], bytes] = bytes,
    ) -> AsyncIterator[bytes]:
        """Yield the stream after change ``after`` (from now on, if None) while ``seconds_left`` is positive.

        Of each change it is what ``see`` makes of it.

        First the cameras and the changes missed, then a heartbeat, then whatever happens, as it happens.
        """
        clock = asyncio.get_running_loop().time
        at, lost = self._starting_point(after)
        seen_cameras, beat_at = 0, 0.0
        yield b"retry: 1000\n\n"
        if lost:
            yield f"event: reset\nid: {at}\ndata: {{}}\n\n".encode()
        while not self._closed and not self._failing and seconds_left() > 0:
            news = self._news
            if self._cameras.version > seen_cameras:
                event, seen_cameras = self._cameras.since(seen_cameras), self._cameras.version
                yield event
            if at < self._position:
                changes = await self._after(at)
                at = changes[-1][0] if changes else self._position
                yield b"".join(see(event) for _, event in changes)  # one write, however many there are
                continue
            if clock() >= beat_at:
                beat_at = clock() + self._heartbeat_s
                yield self._source.heartbeat(at)
            await _wait(news, min(beat_at - clock(), seconds_left()))

    def _starting_point(self, after: int | None) -> tuple[int, bool]:
        """Return where to start, and whether the follower must forget what it has."""
        if after is None:
            return self._position, False
        # A higher number than the newest: the store was replaced since.
        lost = after > self._position or self._position - after > MAX_CATCH_UP
        return (self._position if lost else after), lost

    async def _after(self, at: int) -> Sequence[tuple[int, bytes]]:
        if at < self._floor:
            return await asyncio.to_thread(self._source.changes, at, PAGE)
        return [*takewhile(lambda entry: entry[0] > at, reversed(self._recent))][::-1]


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(timeout_s, 0))
    except TimeoutError:
        return
