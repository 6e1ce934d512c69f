"""Several alert services over one broker and one PostgreSQL; the test itself is cameras and detectors."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.pipeline.worker import GROUP
from alerts.store.schema import Base, OffsetRow
from deploy.demo.site import free_port
from lianfang.bus import Bus
from tests.e2e.installation import Installation, Outside
from tests.support.configs import SECRETS
from tests.support.kafka import SETTINGS
from tests.support.people import show
from tests.support.postgresql import PASSWORD_ENV, database

SERVICES = ("one", "two")
CAMERAS = tuple(f"cam{i}" for i in range(6))
Row = TypeVar("Row", bound=Base)


class Shared(Installation):
    """``lianfang alerts`` twice, each with a folder and a port of its own, over ``address`` and ``store``."""

    def __init__(self, folder: Path, outside: Outside, address: str, store: str) -> None:
        super().__init__(folder, outside, {"kind": "rtsp", "url": "rtsp://127.0.0.1:9/a"})
        self._database = database(store)
        self.config |= {
            "bus": f"kafka://{address}",
            "kafka": {
                "frame_partitions": SETTINGS.frame_partitions,
                "event_partitions": SETTINGS.event_partitions,
            },
            "store": store,
            "postgresql": {"password": {"env": PASSWORD_ENV}},
            "evidence_dir": "evidence",
        }
        template = self.config["cameras"].pop("cam")
        for camera in CAMERAS:
            self.config["points"][f"at_{camera}"] = {"name": camera}
            self.config["cameras"][camera] = {**copy.deepcopy(template), "point": f"at_{camera}"}
        # Whoever comes again is a new incident.
        self.config["rules"]["entry"] |= {"cameras": list(CAMERAS), "join_s": 0, "cleared_after": 1}
        self.ports = {name: free_port(0) for name in SERVICES}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            for row in self.owed():
                print(row.receiver, row.state, row.attempts, row.created_at, row.finished_at, row.last_error)
        self.stop()
        self._database.engine.dispose()
        if kind is not None:
            for name in SERVICES:
                print(f"--- {name}\n{self._log(name).read_text(encoding='utf-8')[-20_000:]}")

    def file_of(self, name: str) -> Path:
        """Return the configuration of a service."""
        return self.folder / f"{name}.yaml"

    def start(self) -> None:
        """Start both."""
        for name in SERVICES:
            own = {**self.config, "data_dir": name, "api": {**self.config["api"], "port": self.ports[name]}}
            self.file_of(name).write_text(yaml.safe_dump(own, allow_unicode=True), encoding="utf-8")
            with self._log(name).open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "lianfang", "alerts", "--config", str(self.file_of(name))],
                    env={**os.environ, **SECRETS},
                    stdout=log,
                    stderr=log,
                )

    def kill(self, service: str) -> int:
        """Kill one with SIGKILL; return its process id."""
        process = self.processes[service]
        assert process.poll() is None, (
            f"{service} has ended by itself: {self._log(service).read_text()[-3000:]}"
        )
        process.kill()
        process.wait()
        return process.pid

    def stop(self) -> int:
        """End those that run as an operator does; return the worst exit code."""
        running = [process for process in self.processes.values() if process.poll() is None]
        for process in running:
            process.terminate()
        return max([abs(process.wait(60)) for process in running], default=0)

    def partitions(self, name: str) -> list[str]:
        """Return what a service says that it reads."""
        lines = [line for line in self._log(name).read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
        events = [json.loads(line) for line in lines]
        given = [
            e["partitions"] for e in events if e["event"] == "partitions_assigned" and e["group"] == GROUP
        ]
        return given[-1] if given else []

    def ready(self, name: str) -> bool:
        """Whether a service answers that it is ready."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=10).close()
        except (OSError, urllib.error.HTTPError):
            return False
        return True

    def rows(self, table: type[Row]) -> list[Row]:
        """Return every row of a table of the store."""
        with Session(self._database.reader) as session:
            return list(session.scalars(select(table)))

    def stands_at(self) -> dict[int, int]:
        """Return the store's offset of each partition."""
        return {row.partition: row.next_offset for row in self.rows(OffsetRow)}

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


class People(threading.Thread):
    """Comes into every camera's view for a second, and goes for one, again and again."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(name="people")
        self._bus = bus
        self._ended = threading.Event()
        self.published: dict[int, int] = {}
        """The offset after the last record of each partition."""

    def run(self) -> None:
        """Publish four pictures a second of each camera, and what is to be seen there."""
        step = 0
        while not self._ended.wait(0.25):
            for camera in CAMERAS:
                self._look(camera, step, inside=step % 8 < 4)
            step += 1
        for camera in CAMERAS:
            self._look(camera, step, inside=False)

    def stop(self) -> None:
        """End with nobody there."""
        self._ended.set()
        self.join(60)

    def _look(self, camera: str, step: int, *, inside: bool) -> None:
        place = show(self._bus, camera, step, step // 8 if inside else None)
        self.published[place.partition] = place.offset + 1
