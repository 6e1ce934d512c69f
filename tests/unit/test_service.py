"""How a service process lives and ends, in real processes; and what the alert service makes of a failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from alerts import predecessor
from alerts import service as alerts
from alerts.evidence import EvidenceKeeper
from alerts.store import Store, outbox
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError, TransientError
from tests.support.configs import loaded
from tests.support.outbox import owe_notice, row

WAIT_S = 60.0

# A service that does what its first argument says; it prints "ready" once it is at work.
SCRIPT = """
import signal, sys, threading, time
from lianfang.errors import LianfangError, TransientError
from lianfang.service import run_service

SECRET = "rtsp://admin:hunter2@10.0.0.1/live"

def fails():
    raise RuntimeError(f"no picture from {SECRET}")

def signalled():
    time.sleep(0.5)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(3600)  # it takes the signal, and does nothing for the main thread

def body(stop):
    print("ready", flush=True)
    how = sys.argv[1]
    if how == "refuse":
        raise LianfangError(f"cannot use {SECRET}")
    if how == "again":
        raise TransientError("the disk is full")
    if how == "crash":
        fails()
    if how == "thread":
        thread = threading.Thread(target=fails, name="camera cam")
        thread.start()
        thread.join()
        return
    if how == "elsewhere":
        threading.Thread(target=signalled, daemon=True).start()
    stop.wait()
    if how == "deaf":
        print("deaf", flush=True)
        time.sleep(60)
    print("clean", flush=True)

sys.exit(run_service("test", body))
"""


@contextmanager
def service(how: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the service until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, how],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, list[dict[str, Any]]]:
    """Return the exit code, what else it printed, and its log."""
    assert process.stdout is not None
    assert process.stderr is not None
    out = process.stdout.read()  # communicate() misses what came along with a line that was read
    err = process.stderr.read()
    return process.wait(WAIT_S), out, [json.loads(line) for line in err.splitlines()]


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {WAIT_S} s: {what}"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with service("work") as process:
        process.send_signal(number)
        assert ended(process) == (0, "clean\n", [])


def test_a_signal_that_another_thread_was_given_ends_it_too() -> None:
    with service("elsewhere") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "clean\n"


def test_a_second_signal_ends_one_that_does_not_listen() -> None:
    with service("deaf") as process:
        process.terminate()
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
        process.terminate()
        assert ended(process) == (128 + signal.SIGTERM, "", [])


@pytest.mark.parametrize(
    ("how", "code", "event", "reason"),
    [
        ("refuse", 2, "service_refused", "cannot use rtsp://admin:***@10.0.0.1/live"),
        ("again", 1, "service_failed", "the disk is full"),
    ],
)
def test_an_error_of_ours_is_one_line(how: str, code: int, event: str, reason: str) -> None:
    with service(how) as process:
        returned, _, log = ended(process)
    assert returned == code
    (line,) = log
    assert (line["event"], line["reason"], line["service"]) == (event, reason, "test")
    assert "exception" not in line


@pytest.mark.parametrize(
    ("how", "code", "event"), [("crash", 1, "service_crashed"), ("thread", 0, "thread_died")]
)
def test_any_other_error_is_a_traceback_without_secrets(how: str, code: int, event: str) -> None:
    with service(how) as process:
        returned, _, log = ended(process)
    assert returned == code
    (line,) = log
    assert line["event"] == event
    assert line["exception"].startswith("Traceback")
    assert "in fails" in line["exception"]
    assert "RuntimeError: no picture from rtsp://admin:***@10.0.0.1/live" in line["exception"]
    assert "hunter2" not in json.dumps(log)


# Starts the service and says so; whoever kills it leaves an orphan.
PARENT = """
import os, subprocess, sys, time
environment = {**os.environ, "LIANFANG_PARENT": str(os.getpid())} if sys.argv[2] == "named" else os.environ
out = open(sys.argv[3], "w")
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "work"], stdout=out, env=environment)
print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def orphan(folder: Path, how: str) -> Iterator[tuple[int, Callable[[], str]]]:
    """Give the process id of a service whose parent was killed, and what it prints."""
    out = folder / "out"
    arguments = [sys.executable, "-c", PARENT, SCRIPT, how, str(out)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())

        def printed() -> str:
            return out.read_text(encoding="utf-8")

        until(lambda: "ready" in printed(), "the service")
        parent.kill()
        parent.wait()
    try:
        yield pid, printed
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_it_does_not_outlive_the_supervisor_that_is_killed(tmp_path: Path) -> None:
    with orphan(tmp_path, "named") as (_, printed):
        until(lambda: printed() == "ready\nclean\n", "a clean end")


def test_one_that_was_started_by_hand_goes_on_without_its_parent(tmp_path: Path) -> None:
    with orphan(tmp_path, "unnamed") as (pid, printed):
        time.sleep(0.5)
        os.kill(pid, 0)
        assert printed() == "ready\n"


def test_one_whose_supervisor_was_gone_before_it_could_ask_ends_at_once() -> None:
    with service("work", LIANFANG_PARENT="1") as process:  # the parent is this test, and not process 1
        assert ended(process) == (0, "clean\n", [])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, ("api", {"port": 0}))


def test_the_alert_service_waits_for_a_predecessor_that_is_ending(config: Config) -> None:
    before = EmbeddedBus.own(config.data_dir)
    ending = threading.Timer(0.3, before.close)
    ending.start()
    with predecessor.own_at_last(config, SystemClock(), threading.Event()) as bus:
        assert bus is not None
    ending.join()


def test_the_alert_service_is_refused_by_one_that_stays(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predecessor, "_WAIT_S", 0.3)
    staying = EmbeddedBus.own(config.data_dir)
    with (
        pytest.raises(LianfangError, match=f"{config.data_dir} is in use by process {os.getpid()}") as caught,
        predecessor.own_at_last(config, SystemClock(), threading.Event()),
    ):
        pass
    assert not isinstance(caught.value, TransientError), "it is not worth another start"
    staying.close()


def test_the_alert_service_that_waits_can_be_stopped(config: Config) -> None:
    staying = EmbeddedBus.own(config.data_dir)
    stop = threading.Event()
    stopping = threading.Timer(0.3, stop.set)
    stopping.start()
    with predecessor.own_at_last(config, SystemClock(), stop) as bus:
        assert bus is None
    stopping.join()
    staying.close()


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (ValueError("a fault"), TransientError, r"evidence failed: ValueError\('a fault'\)"),
        (LianfangError("a clear word"), LianfangError, "a clear word"),
    ],
)
def test_a_part_that_fails_ends_the_alert_service(
    config: Config, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], says: str
) -> None:
    def fail(_self: EvidenceKeeper, _stop: threading.Event) -> None:
        raise error

    monkeypatch.setattr(EvidenceKeeper, "run", fail)
    bus, store = EmbeddedBus.own(config.data_dir), Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    registry = CollectorRegistry()
    running = alerts.AlertService(config, bus, store, SystemClock(), registry, registry)
    try:
        with pytest.raises(LianfangError, match=says) as caught:
            running.run(threading.Event())
        assert type(caught.value) is kind
    finally:
        store.close()
        bus.close()


def test_what_a_killed_service_had_leased_is_free_at_once(config: Config) -> None:
    bus, store = EmbeddedBus.own(config.data_dir), Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    with store.write() as session:
        notice = owe_notice(session, "nobody")
        outbox.lease(session, [1], owner="killed", now=datetime.now(UTC), lease_s=3600)
    registry, stop = CollectorRegistry(), threading.Event()
    stop.set()
    try:
        alerts.AlertService(config, bus, store, SystemClock(), registry, registry).run(stop)
        assert (row(store, notice).lease_owner, row(store, notice).lease_until) == ("", None)
    finally:
        store.close()
        bus.close()
