"""One picture of a camera before it is shared, taken by a process that may die of it; not too often."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import simplejpeg

from alerts.guests.problems import NotPossible
from lianfang.clock import Clock
from lianfang.environment import bare_environment
from lianfang.reach.guests import GuestSource

READER = "ingest.guests.cell"
"""The module that reads it; the services do not import each other."""
_AT_ONCE, _PAUSE_S, _MOST = 2, 4.0, 40
_WAIT_S, _CPU_S, _MOST_BYTES = 20.0, 15, 2 * 1024 * 1024
_KEYS = 10_000


class NoPicture(NotPossible):
    """The camera gave none; the text says why, and holds no password."""

    def __init__(self, why: str) -> None:
        super().__init__("no_picture", why)


class Previews:
    """Takes pictures for those who are about to share a camera. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._taken: dict[str, tuple[int, float]] = {}  # by invitation: how many, and when the last

    def take(self, who: str, source: GuestSource, networks: Sequence[Any], memory_mb: int) -> bytes:
        """Return a picture as JPEG; NotPossible where it is too early or too often, NoPicture if none comes.

        ``who`` is the invitation for which it is taken.
        """
        self._count(who)
        if not self._places.acquire(blocking=False):
            raise NotPossible("busy", "others are trying their cameras: again in a few seconds")
        try:
            return _taken(source, networks, memory_mb)
        finally:
            self._places.release()

    def _count(self, who: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            count, last = self._taken.get(who, (0, float("-inf")))
            if now - last < _PAUSE_S or count >= _MOST:
                raise NotPossible("too_often", f"a preview every {_PAUSE_S:.0f} s, and {_MOST} of a camera")
            self._taken[who] = (count + 1, now)
            while len(self._taken) > _KEYS:
                del self._taken[next(iter(self._taken))]


def _taken(source: GuestSource, networks: Sequence[Any], memory_mb: int) -> bytes:
    told = {
        "what": "preview",
        "source": source.model_dump(mode="json"),
        "camera": {"name": "preview", "point": "preview", "max_width": 1280},
        "networks": [str(network) for network in networks],
        "memory_mb": memory_mb,
        "cpu_s": _CPU_S,
        "log_level": "error",
    }
    with subprocess.Popen(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", READER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=bare_environment(),
        process_group=0,
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
        late = threading.Timer(_WAIT_S, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps(told).encode() + b"\n")
            process.stdin.flush()
            data = process.stdout.read(_MOST_BYTES)
        except BrokenPipeError:
            data = b""
        finally:
            late.cancel()
            process.kill()
        process.wait()
    return _picture(data)


def _picture(data: bytes) -> bytes:
    """Return ``data`` where they are a picture; NoPicture says what they say instead."""
    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError:
        said = data.decode("utf-8", errors="replace").strip()
        plain = said if said.isprintable() and len(said) <= 200 else ""
        raise NoPicture(plain or "the process that read it has died") from None
    return data
