"""Lets cameras fail and come back, hears what ingest says of them, and measures what it takes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.soak.cameras import Act, Soaked

LOST_S = 60.0
"""So long ingest may take to see that a camera is gone; a stream of damaged pictures is hoped for 10 s."""
BACK_S = 60.0
"""So long a return is waited for, so that one that is late is measured, too."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Taken:
    """What the process took at one time: bytes of memory, threads, open descriptors."""

    rss: int
    threads: int
    descriptors: int

    @classmethod
    def by(cls, pid: int) -> Taken:
        """Measure it."""
        process = Path(f"/proc/{pid}")
        pages = int((process / "statm").read_text(encoding="ascii").split()[1])
        threads, descriptors = (len(list((process / kind).iterdir())) for kind in ("task", "fd"))
        return cls(pages * _PAGE, threads, descriptors)

    @classmethod
    def least(cls, pid: int) -> Taken:
        """Measure it for two seconds: a single picture that is asked for just now is no leak."""
        samples = [cls.by(pid)]
        for _ in range(20):
            time.sleep(0.1)
            samples.append(cls.by(pid))
        return min(samples, key=lambda taken: (taken.descriptors, taken.threads, taken.rss))


@dataclass
class Ingest:
    """A running reader, and the conditions of its cameras as it said them last."""

    process: subprocess.Popen[str]
    conditions: dict[str, str] = field(default_factory=dict)
    said: threading.Condition = field(default_factory=threading.Condition)

    def hear(self) -> None:
        """Note what it says until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            state = json.loads(line)
            with self.said:
                self.conditions[state["camera_id"]] = state["condition"]
                self.said.notify_all()

    def until(self, camera: str, *, coming: bool, timeout_s: float) -> float:
        """Return the seconds until pictures of ``camera`` come, or do not; AssertionError after a while."""
        begun = time.monotonic()
        with self.said:
            in_time = self.said.wait_for(
                lambda: self.conditions.get(camera) in (("online", "degraded") if coming else ("offline",)),
                timeout_s,
            )
        assert in_time, f"{camera} is {self.conditions.get(camera)} after {timeout_s} s"
        return time.monotonic() - begun


@contextmanager
def ingest(cameras: Sequence[Soaked], folder: Path, leak_kb: int = 0) -> Iterator[Ingest]:
    """Read ``cameras`` in a process for as long as the block runs; AssertionError where it ends badly."""
    file = folder / "cameras.json"
    file.write_text(json.dumps({camera.name: camera.stanza for camera in cameras}), encoding="utf-8")
    command = [sys.executable, "-m", "tests.soak.reader", str(file), str(leak_kb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        running = Ingest(process)
        listener = threading.Thread(target=running.hear)
        listener.start()
        try:
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            listener.join(60)
    assert process.returncode == 0


def play(camera: Soaked, running: Ingest, until_s: float, recoveries: list[tuple[str, str, float]]) -> None:
    """Let ``camera`` fail and come back until ``until_s``; note (camera, act, seconds until it was read)."""
    waits = random.Random(camera.name)  # noqa: S311 - the same every time
    turn = 0
    while time.monotonic() < until_s:
        act: Act = camera.acts[turn % len(camera.acts)]
        turn += 1
        time.sleep(waits.uniform(0.5, 2))
        act.fail()
        running.until(camera.name, coming=False, timeout_s=LOST_S)
        time.sleep(waits.uniform(0, 6))
        act.recover()
        recoveries.append((camera.name, act.name, running.until(camera.name, coming=True, timeout_s=BACK_S)))


def growth(samples: Sequence[Taken]) -> int:
    """Return by how many bytes the memory grew from the second third of ``samples`` to the last one."""
    third = len(samples) // 3
    before, after = samples[third : 2 * third], samples[2 * third :]
    return round(median(taken.rss for taken in after) - median(taken.rss for taken in before))
