"""A whole installation in real processes, with the outside world simulated strictly."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml
from sqlalchemy import create_engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from alerts.store.schema import Base, ChangeRow, IncidentRow, OutboxRow
from deploy.demo.site import free_port
from deploy.simulators.police import PoliceReceiver
from deploy.simulators.speaker import SpeakerSimulator
from tests.support.configs import SECRETS

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
WAIT_S = 90.0
Row = TypeVar("Row", bound=Base)


def until(what: str, condition: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:  # noqa: ANN401
    """Return the first true value of ``condition``; fail, naming ``what``, when it never comes."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.05)
    return value


def _unheard(line: str) -> None:
    del line


class Outside:
    """A speaker, a police platform and ``others`` that are told the same, on a loop of their own."""

    def __init__(self, *others: str, keeps_time: bool = True) -> None:
        self.speaker = SpeakerSimulator(SECRETS["TEST_TOKEN"], keeps_time=keeps_time, say=_unheard)
        self.receivers = {
            name: PoliceReceiver([SECRETS["TEST_SECRET"]], name=name, say=_unheard)
            for name in ("police", *others)
        }
        self.police = self.receivers["police"]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        for simulator in (self.speaker, *self.receivers.values()):
            asyncio.run_coroutine_threadsafe(simulator.__aenter__(), self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for simulator in (self.speaker, *self.receivers.values()):
            asyncio.run_coroutine_threadsafe(simulator.__aexit__(None, None, None), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


class Installation:
    """``lianfang run`` in ``folder``: one camera, one zone_entry rule, a speaker, a police platform."""

    def __init__(
        self,
        folder: Path,
        outside: Outside,
        source: dict[str, Any],
        polygon: list[list[float]] | None = None,
        **rule: object,
    ) -> None:
        self.folder = folder
        self.port = free_port(0)
        self.log = folder / "lianfang.log"
        self.config: dict[str, Any] = {
            "data_dir": "data",
            "community": {"name": "测试社区", "trial_days": 0},  # else nothing is said for a week
            "api": {
                "port": self.port,
                "operators": {"operator": {"name": "值班员", "password": {"env": "TEST_PASSWORD"}}},
            },
            "points": {
                "bank": {
                    "name": "东岸",
                    "longitude": 113.2,
                    "latitude": 22.6,
                    "duty_contact": {"name": "值班室", "phone": "1"},
                }
            },
            "detectors": {
                "objects": {"kind": "objects", "engine": {"kind": "onnx", "input_size": [416, 320]}}
            },
            "cameras": {
                "cam": {
                    "name": "一号",
                    "point": "bank",
                    "device_code": "44200000001320000001",
                    "source": source,
                    "fps": 5,
                    "zones": {"water": {"polygon": polygon or WHOLE, "speakers": ["horn"]}},
                }
            },
            "rules": {
                "entry": {
                    "kind": "zone_entry",
                    "name": "有人进入",
                    "cameras": ["cam"],
                    "zones": ["water"],
                    "speech": {"text": "请离开{place}", "repeat": 1, "again_s": 3600},
                    "life_safety": True,
                    "notify": [{"receiver": "police", "mode": "drill"}],
                    **rule,
                }
            },
            "networks": ["127.0.0.0/8"],
            "receivers": {
                "horn": {
                    "kind": "speaker_http",
                    "base_url": outside.speaker.url,
                    "token": {"env": "TEST_TOKEN"},
                    "per_hour": 1000,
                    "per_day": 1000,
                },
                "police": {
                    "kind": "webhook",
                    "url": outside.police.url,
                    "secrets": [{"env": "TEST_SECRET"}],
                },
            },
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            sys.stdout.write(self.log.read_text(encoding="utf-8")[-20_000:])

    def start(self) -> None:
        """Start the process tree."""
        file = self.folder / "site.yaml"
        file.write_text(yaml.safe_dump(self.config, allow_unicode=True), encoding="utf-8")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lianfang", "run", str(file)],
                env={**os.environ, **SECRETS},
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        """End the tree as an operator does; return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def child(self, service: str) -> int:
        """Return the process id of the running child ``service`` (alerts, detect or ingest)."""
        found: int = until(f"a process of {service}", lambda: self._child(service))
        return found

    def kill(self, service: str) -> int:
        """Kill the child ``service`` with SIGKILL; return its process id."""
        pid = self.child(service)
        os.kill(pid, signal.SIGKILL)
        until(f"the end of {service}", lambda: not Path(f"/proc/{pid}").exists())
        return pid

    def _child(self, service: str) -> int | None:
        assert self.process is not None
        root = self.process.pid
        children = Path(f"/proc/{root}/task/{root}/children").read_text(encoding="utf-8").split()
        for pid in children:
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if service.encode() in command:
                return int(pid)
        return None

    def rows(self, table: type[Row]) -> list[Row]:
        """Return every row of a table of the store, none while there is no store yet."""
        return _rows(self.folder / "data" / "store.sqlite3", table)

    def incidents(self) -> list[IncidentRow]:
        """Return the incidents of the store."""
        return self.rows(IncidentRow)

    def owed(self) -> list[OutboxRow]:
        """Return what has not been delivered."""
        return [row for row in self.rows(OutboxRow) if row.state != "delivered"]


def from_file(video: Path) -> dict[str, object]:
    """Return the stanza of a camera that plays ``video`` in real time, looped."""
    return {"kind": "file", "path": str(video), "pace": "realtime", "loop": True}


def get(site: Installation, path: str) -> str:
    """Return what the API answers to a GET; OSError when it does not."""
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def ready(site: Installation) -> bool:
    """Whether the alert service answers that it is ready."""
    try:
        return bool(get(site, "/readyz"))
    except OSError:
        return False


def metric(site: Installation, series: str) -> float | None:
    """Return the value of a series of /metrics, None while there is none (or no API)."""
    try:
        found = re.search(rf"^{re.escape(series)} (\S+)$", get(site, "/metrics"), re.MULTILINE)
    except OSError:
        return None
    return float(found.group(1)) if found else None


def _rows(file: Path, table: type[Row]) -> list[Row]:
    if not file.exists():
        return []
    engine = create_engine(f"sqlite:///file:{file}?mode=ro&uri=true")
    try:
        with Session(engine) as session:
            return list(session.scalars(select(table)))
    except OperationalError:
        return []  # it is being created
    finally:
        engine.dispose()


def nothing_lost_or_doubled(site: Installation, outside: Outside) -> None:
    """Assert, of a site that has ended, that what it owes and what was received tell the same story."""
    changes = [(row.incident_id, row.version) for row in site.rows(ChangeRow)]
    assert len(changes) == len(set(changes))
    assert all(spoken.plays == 1 for spoken in outside.speaker.spoken.values())
    owed, opened = site.rows(OutboxRow), {row.id for row in site.incidents()}
    for name, receiver in outside.receivers.items():
        _told([row for row in owed if row.receiver == name], opened, receiver)


def _told(notices: list[OutboxRow], opened: set[str], receiver: PoliceReceiver) -> None:
    taken = {entry.id for entry in receiver.received}
    # Every incident is owed to it, and whatever is said to be delivered arrived. What was decided in
    # the last moment may still be owed: it would be sent at the next start.
    assert {row.incident_id for row in notices if row.payload["change"] == "opened"} == opened
    assert {row.id for row in notices if row.state == "delivered"} <= taken
    assert {row.state for row in notices} <= {"delivered", "pending"}
    # A repeat has the id that the receiver knows, and says the same; nothing was refused.
    assert len(taken) == len(receiver.received)
    assert receiver.altered == receiver.refused == []
    # In order per incident.
    for number in opened:
        versions = [e.notice.version for e in receiver.received if e.notice.number == number]
        assert versions == sorted(versions)
