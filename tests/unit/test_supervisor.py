"""The supervisor, over real processes that die in real ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from deploy import supervisor as module
from deploy.supervisor import Child, Supervisor
from lianfang.errors import LianfangError
from lianfang.limits import Limits

# Stands for the command `lianfang`: writes who it is, and dies as its first argument says.
SCRIPT = """
import os, pathlib, signal, sys, time
folder, how, parts = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[5::2]
runs = folder / "runs"
with runs.open("a") as file:
    file.write((",".join(parts) or "-") + f" {os.getpid()} {os.environ['LIANFANG_PROCESS']}\\n")
if how == "crash" or (how == "crash_bad" and "bad" in parts):
    os.kill(os.getpid(), signal.SIGSEGV)
if how == "exit":
    sys.exit(3)
if how == "stuck_bad" and "bad" in parts:
    sys.exit(4)
if how == "leak_bad" and "bad" in parts:
    held = []
    while True:
        held.append(b"x" * 8_000_000)  # bytes of every page are written, so that they are resident
        time.sleep(0.01)
if how == "descriptors_bad" and "bad" in parts:
    held = [open(os.devnull) for _ in range(600)]
first = len(runs.read_text().splitlines()) == 1
if how == "refuse" or (how == "refuse_later" and not first):
    sys.exit(2)
if how == "refuse_later":
    sys.exit(1)
time.sleep(60)
"""


Outcome = Queue[BaseException | None]


def _outcome(supervisor: Supervisor, stop: threading.Event, outcome: Outcome | None) -> None:
    """Run the supervisor; ``outcome`` gets what it raised, or None."""
    error: BaseException | None = None
    try:
        supervisor.run(stop)
    except LianfangError as raised:
        error = raised
    if outcome is not None:
        outcome.put(error)


@contextmanager
def running(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    parts: tuple[str, ...] = (),
    beside: Sequence[Child] = (),
    outcome: Outcome | None = None,
    ended: list[str] | None = None,
) -> Iterator[tuple[Callable[[], list[str]], threading.Event]]:
    (folder / "fake.py").write_text(SCRIPT, encoding="utf-8")
    real = subprocess.Popen

    def popen(command: list[str], **kwargs: object) -> subprocess.Popen[bytes]:
        assert command[:3] == [sys.executable, "-m", "lianfang"]
        its_way = how if command[3] == "ingest" else "stay"
        started: subprocess.Popen[bytes] = real(  # type: ignore[call-overload]
            [sys.executable, str(folder / "fake.py"), str(folder), its_way, *command[4:]], **kwargs
        )
        return started

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(module, "_BACKOFF_FIRST_S", 0.05)
    stop = threading.Event()
    monkeypatch.setattr(module, "_MEASURE_S", 0.1)
    child = Child("ingest:all", ["ingest", "--x"], parts, Limits(memory_mb=96), backoff_s=0.05)
    supervisor = Supervisor([*beside, child], {}, (ended if ended is not None else []).append)
    thread = threading.Thread(target=_outcome, args=(supervisor, stop, outcome))
    thread.start()

    def runs() -> list[str]:
        file = folder / "runs"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    try:
        yield runs, stop
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["crash", "exit"])
def test_a_child_that_ends_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ended: list[str] = []
    with running(tmp_path, monkeypatch, how, ended=ended) as (runs, _):
        until(lambda: len(runs()) >= 3)
    # Its successors are known by its name, so that they go on with its counters.
    (label,) = {line.split()[2] for line in runs()}
    assert label.startswith("ingest-")
    assert set(ended) == {label}


def test_a_killed_child_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, monkeypatch, "stay") as (runs, _):
        until(lambda: len(runs()) == 1)
        os.kill(int(runs()[0].split()[1]), signal.SIGKILL)
        until(lambda: len(runs()) == 2)


@pytest.mark.parametrize("how", ["crash_bad", "stuck_bad", "leak_bad", "descriptors_bad"])
def test_a_group_that_one_camera_harms_is_halved_until_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with running(tmp_path, monkeypatch, how, ("a", "b", "bad", "c")) as (runs, _):
        until(lambda: sum(line.startswith("bad ") for line in runs()) >= 2)
        groups = [line.split()[0] for line in runs()]
    # The good ones run on beside it, each started once more than it was in a group that crashed.
    assert groups[0] == "a,b,bad,c"
    assert groups.count("a,b") == 1
    assert groups.count("c") == 1


def test_stopping_ends_every_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, monkeypatch, "stay") as (runs, stop):
        until(lambda: len(runs()) == 1)
        pid = int(runs()[0].split()[1])
        stop.set()
        until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_child_that_refuses_to_start_ends_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome: Outcome = Queue()
    other = Child("alerts", ["alerts", "--x"])
    with running(tmp_path, monkeypatch, "refuse", beside=[other], outcome=outcome):
        error = outcome.get(timeout=30)
    assert str(error) == "ingest:all refuses to start, for the reason that it has just given"
    assert other.starts == 1
    assert other.process is not None
    assert other.process.returncode == -signal.SIGTERM, "it was ended, too"


def test_a_refusal_after_the_first_start_is_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It could start once, as a camera's process whose model was then taken away: the others go on.
    outcome: Outcome = Queue()
    with running(tmp_path, monkeypatch, "refuse_later", outcome=outcome) as (runs, _):
        until(lambda: len(runs()) >= 4)
    assert outcome.get(timeout=30) is None


def test_a_refusal_of_one_that_has_run_long_enough_is_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTHY_S", 0.0)
    with running(tmp_path, monkeypatch, "refuse") as (runs, _):
        until(lambda: len(runs()) >= 3)
