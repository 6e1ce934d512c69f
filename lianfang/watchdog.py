"""Ends a process of which one role stands still, so that whoever supervises it starts it anew.

A thread that hangs in foreign code, a decoder or a model, cannot be ended from outside; its process can.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping

import structlog

EXIT_STUCK = 4
"""The exit code; the supervisor parts what stood still from the rest."""
EVERY_S = 5.0
"""So often the roles are looked at."""

_log = structlog.get_logger()


def watch(
    stop: threading.Event,
    standing: Callable[[], Mapping[str, float]],
    leave: Callable[[int], object] = os._exit,
    every_s: float = EVERY_S,
) -> None:
    """Return when ``stop`` is set; call ``leave`` as soon as any role stands still for too long.

    ``standing`` gives by role for how many seconds it has, where that is too long. Nothing is waited for at
    the end: whatever would be waited for may be what hangs.
    """
    while not stop.wait(every_s):
        stuck = standing()
        if stuck:
            _log.critical("role_stuck", roles={role: round(for_s, 1) for role, for_s in stuck.items()})
            leave(EXIT_STUCK)
            return


def start(stop: threading.Event, standing: Callable[[], Mapping[str, float]]) -> None:
    """Watch in a thread of its own until ``stop``."""
    threading.Thread(target=watch, args=(stop, standing), name="watchdog", daemon=True).start()
