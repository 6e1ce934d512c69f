"""Keep child processes running: restarted with backoff, said once each, ended together.

A child that refuses to start the first time (exit 2, as ``lianfang.service`` defines it) refuses for all of
them: a person has to change something, and must not find out by a child that is restarted for ever.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from lianfang.errors import LianfangError
from lianfang.limits import Limits
from lianfang.service import EXIT_REFUSED
from lianfang.watchdog import EXIT_STUCK

_log = structlog.get_logger()

_POLL_S = 0.1
# Short even at its longest: while a child is away its cameras are blind, and a start costs seconds of a core.
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.5, 5.0
_HEALTHY_S = 60.0  # a child that ran so long starts its next backoff from the beginning
_MEASURE_S = 1.0  # between two looks at what a child takes
_GRACE_S = 10.0  # for SIGTERM to work before SIGKILL
# How a process dies of what it was fed, as opposed to being stopped.
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


@dataclass
class Child:
    """One process to keep running. ``parts`` are what it works on, for a child that can be split.

    One that goes beyond its ``limits`` is killed; ``harmful`` then says so until it has been split.
    """

    name: str
    arguments: Sequence[str]
    parts: tuple[str, ...] = ()
    limits: Limits | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0
    start_at: float = 0.0
    starts: int = 0
    backoff_s: float = _BACKOFF_FIRST_S
    measured_at: float = 0.0
    harmful: bool = False

    @property
    def label(self) -> str:
        """A name that fits into that of a file, and stays the same from one start to the next."""
        return f"{self.name.partition(':')[0]}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


class Supervisor:
    """Runs ``lianfang <arguments>`` for each child; a part of a child is an option ``--camera PART``.

    A child finds its label in ``LIANFANG_PROCESS``; ``on_death`` gets the label of one that has ended.
    """

    def __init__(
        self,
        children: Sequence[Child],
        environment: Mapping[str, str],
        on_death: Callable[[str], object],
    ) -> None:
        self._children = list(children)
        self._environment = {**os.environ, **environment, "LIANFANG_PARENT": str(os.getpid())}
        self._on_death = on_death

    def run(self, stop: threading.Event) -> None:
        """Keep the children running until ``stop``; then end them, the last started first.

        LianfangError, after all have been ended, where one refuses to start the first time.
        """
        try:
            while not stop.wait(_POLL_S):
                for child in list(self._children):
                    self._tend(child, time.monotonic())
        finally:
            self._end()

    def _tend(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.start_at:
                self._start(child, now)
            return
        code = child.process.poll()
        if code is None:
            self._measure(child, child.process.pid, now)
            return
        self._on_death(child.label)
        child.process = None
        healthy = now - child.started_at >= _HEALTHY_S
        if code == EXIT_REFUSED and child.starts == 1 and not healthy:
            raise LianfangError(f"{child.name} refuses to start, for the reason that it has just given")
        if healthy:
            child.backoff_s = _BACKOFF_FIRST_S
        child.start_at = now + child.backoff_s
        _log.warning(
            "child_ended",
            child=child.name,
            how=_how(code),
            ran_s=round(now - child.started_at, 1),
            restart_in_s=round(child.backoff_s, 1),
        )
        child.backoff_s = min(child.backoff_s * 2, _BACKOFF_MAX_S)
        if (-code in _CRASHES or code == EXIT_STUCK or child.harmful) and len(child.parts) > 1:
            self._split(child)
        child.harmful = False

    def _measure(self, child: Child, pid: int, now: float) -> None:
        """Kill a child that takes more than it may: what it works on is not worth what else would go down."""
        if child.limits is None or child.harmful or now - child.measured_at < _MEASURE_S:
            return
        child.measured_at = now
        if exceeded := child.limits.exceeded(pid):
            _log.error("child_beyond_limits", child=child.name, pid=pid, what=exceeded)
            child.harmful = True
            os.kill(pid, signal.SIGKILL)

    def _start(self, child: Child, now: float) -> None:
        parts = [option for part in child.parts for option in ("--camera", part)]
        command = [sys.executable, "-m", "lianfang", *child.arguments, *parts]
        child.process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            env={**self._environment, "LIANFANG_PROCESS": child.label},
            stdin=subprocess.DEVNULL,
            process_group=0,  # a Ctrl-C at the terminal reaches the supervisor, which ends them in order
        )
        child.started_at = now
        child.starts += 1
        _log.info("child_started", child=child.name, pid=child.process.pid)

    def _split(self, child: Child) -> None:
        """Start a child again in two halves, so that what harms it is soon alone with its fault."""
        middle = len(child.parts) // 2
        _log.warning("child_split", child=child.name, parts=list(child.parts))
        self._children.remove(child)
        for half in (child.parts[:middle], child.parts[middle:]):
            name = f"{child.name.partition(':')[0]}:{','.join(half)}"
            self._children.append(
                Child(name, child.arguments, half, child.limits, start_at=child.start_at, starts=child.starts)
            )

    def _end(self) -> None:
        running = [c.process for c in reversed(self._children) if c.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("child_killed", pid=process.pid, after_s=_GRACE_S)
                process.kill()
                process.wait()


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
