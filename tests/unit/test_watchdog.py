"""A role that stands still ends its process, with a code of its own; nothing else does."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping

from lianfang.watchdog import EXIT_STUCK, watch


def test_it_leaves_as_soon_as_a_role_stands_still() -> None:
    looks: list[Mapping[str, float]] = [{}, {}, {"camera": 61.0}, {}]
    left: list[int] = []
    watch(threading.Event(), lambda: looks.pop(0), left.append, every_s=0.001)
    assert (left, looks) == ([EXIT_STUCK], [{}])


def test_it_leaves_nothing_that_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    watch(stop, lambda: {"camera": 61.0}, lambda _code: None, every_s=60)


def test_a_thread_that_nobody_can_end_does_not_keep_the_process() -> None:
    """It hangs in foreign code, and a pool waits for it at the end of every other exit."""
    program = (
        "import threading, time; from concurrent.futures import ThreadPoolExecutor;"
        "from lianfang.watchdog import watch;"
        "ThreadPoolExecutor(1).submit(time.sleep, 600);"
        "watch(threading.Event(), lambda: {'hangs': 99.0}, every_s=0.01)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert done.returncode == EXIT_STUCK
    assert b"role_stuck" in done.stdout + done.stderr
