"""Back-tests that people ask for while the installation runs: one process at a time, with limits."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

import structlog
from pydantic import ValidationError

from alerts.backtest.question import INCIDENTS, Question
from alerts.incidents.incident import Incident
from lianfang.clock import Clock

_log = structlog.get_logger()

LIMIT_S = 600.0
"""A back-test that takes longer is ended."""
_WAITING, _KEPT = 5, 20
_LINE_BYTES = 64 * 1024 * 1024

State = Literal["waiting", "running", "done", "failed", "ended"]


class TooMany(Exception):  # noqa: N818 - reads as the fact it states
    """Others wait already."""


@dataclass
class Run:
    """One back-test; ``found`` holds the incidents once it is done, ``fault`` why it is not."""

    id: str
    question: Question
    by: str
    asked_at: datetime
    state: State = "waiting"
    progress: float = 0
    """The share of the log that is read, 0-1."""
    fault: str = ""
    found: list[Incident] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None


class Runs:
    """The back-tests of this service, the newest kept for a while. Thread-safe."""

    def __init__(self, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._clock, self._limit_s = clock, limit_s
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._threads: list[threading.Thread] = []
        # Made for the first of them: an application that only describes itself leaves nothing behind.
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self, question: Question, by: str) -> Run:
        """Begin one, or let it wait for its turn; TooMany where enough wait."""
        run = Run(uuid4().hex, question, by, self._clock.now())
        with self._lock:
            if sum(other.state == "waiting" for other in self._runs.values()) >= _WAITING:
                raise TooMany(f"{_WAITING} back-tests wait already")
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(
                    prefix="lianfang-backtest-", ignore_cleanup_errors=True
                )
            folder = Path(self._folder.name) / run.id
            self._runs[run.id] = run
            over = [r for r in self._runs.values() if r.state not in ("waiting", "running")]
            for old in over[: max(0, len(self._runs) - _KEPT)]:
                del self._runs[old.id]
        thread = threading.Thread(target=self._answer, args=(run, folder), name="backtest", daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        return run

    def of(self, run_id: str) -> Run | None:
        """Return a back-test, None for one that is not known, or not any more."""
        with self._lock:
            return self._runs.get(run_id)

    def frame(self, run: Run, incident_id: str) -> Path | None:
        """Return the picture of an incident of a back-test that is done, None where its frame was gone."""
        known = any(incident.id == incident_id for incident in run.found)
        if not known or self._folder is None:
            return None
        file = Path(self._folder.name) / run.id / f"{incident_id}.jpg"
        return file if file.is_file() else None

    def end(self, run: Run) -> None:
        """End one that waits or runs."""
        with self._lock:
            if run.state in ("waiting", "running"):
                run.state = "ended"
            if run.process is not None:
                run.process.kill()

    def close(self) -> None:
        """End them all, and remove their pictures."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            self.end(run)
        for thread in self._threads:
            thread.join()
        if self._folder is not None:
            self._folder.cleanup()

    def _answer(self, run: Run, folder: Path) -> None:
        with self._turn:
            folder.mkdir(mode=0o700)
            with self._lock:
                if run.state != "waiting":
                    return
                run.state = "running"
                run.process = self._started(folder)
            _log.info("backtest_started", backtest=run.id, operator=run.by)
            _lives(run, run.process, self._limit_s, self._settle)
            _log.info("backtest_over", backtest=run.id, state=run.state, found=len(run.found))

    def _started(self, folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "alerts.backtest.child", str(folder)]
        return subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def _settle(self, run: Run, said: dict[str, object] | None, *, late: bool) -> None:
        """Take over the last line of the process, None where it said none."""
        with self._lock:
            run.process = None
            if run.state == "ended":
                return
            run.state = "failed"
            if late:
                run.fault = f"not done in {self._limit_s:g} s: ask for a shorter time or fewer rules"
            elif said is None or "fault" in said:
                run.fault = str(said["fault"]) if said else "the process that read the log has died"
            else:
                try:
                    run.found = INCIDENTS.validate_python(said["incidents"])
                except (KeyError, ValidationError) as error:
                    run.fault = f"the answer cannot be read: {error}"
                else:
                    run.state, run.progress = "done", 1


def _lives(run: Run, process: subprocess.Popen[bytes], limit_s: float, settle: Callable[..., None]) -> None:
    """Ask the process, follow how far it is, and settle what it said; it never outlives this."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    last: dict[str, object] | None = None
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
    try:
        with process.stdin as ask:
            ask.write(pickle.dumps((int(limit_s), run.question)))
        while line := process.stdout.readline(_LINE_BYTES):
            last = json.loads(line)
            if last is not None and "progress" in last:
                run.progress = float(str(last["progress"]))
    except (BrokenPipeError, ValueError):
        last = None
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()
    settle(run, last if last is None or "progress" not in last else None, late=late.is_set())
