"""The services of one installation as processes of their own, over Kafka, each to be killed by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from deploy.demo.site import free_port
from lianfang.bus import TopicPartition
from lianfang.bus.kafka import Topic
from lianfang.events import FRAMES
from tests.e2e.installation import Installation, Outside, metric, until
from tests.support.configs import SECRETS
from tests.support.kafka import SETTINGS

SERVICES = {"alerts": "alerts", "detect1": "detect", "detect2": "detect", "ingest": "ingest"}
FRAME_PARTITIONS, EVENT_PARTITIONS = SETTINGS.frame_partitions, SETTINGS.event_partitions
OBSERVED = 'lianfang_observations_total{camera="cam"}'


class Apart(Installation):
    """``lianfang alerts | detect (twice) | ingest`` beside a broker at ``address``."""

    def __init__(
        self,
        folder: Path,
        outside: Outside,
        source: dict[str, Any],
        address: str,
        polygon: list[list[float]] | None = None,
        **rule: object,
    ) -> None:
        super().__init__(folder, outside, source, polygon, **rule)
        self.config["bus"] = f"kafka://{address}"
        self.config["kafka"] = {
            "frame_partitions": FRAME_PARTITIONS,
            "event_partitions": EVENT_PARTITIONS,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ops_ports = {name: free_port(0) for name in SERVICES if name != "alerts"}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            for name in SERVICES:
                print(f"--- {name}\n{self.log_of(name)[-6000:]}")

    def start(self) -> None:
        """Start every service."""
        (self.folder / "site.yaml").write_text(
            yaml.safe_dump(self.config, allow_unicode=True), encoding="utf-8"
        )
        for name in SERVICES:
            self.start_service(name)

    def start_service(self, name: str) -> None:
        """Start one service."""
        command = [SERVICES[name], "--config", str(self.folder / "site.yaml")]
        if name in self.ops_ports:
            command += ["--ops-port", str(self.ops_ports[name])]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "lianfang", *command],
                env={**os.environ, **SECRETS},
                stdout=log,
                stderr=log,
            )

    def kill(self, service: str) -> int:
        """Kill one service with SIGKILL; return its process id."""
        process = self.processes[service]
        assert process.poll() is None, f"{service} has ended by itself: {self.log_of(service)[-3000:]}"
        process.kill()
        process.wait()
        return process.pid

    def stop(self) -> int:
        """End every service as an operator does; return the worst exit code, but not that of a kill."""
        running = [process for process in self.processes.values() if process.poll() is None]
        for process in running:
            process.terminate()
        return max([abs(process.wait(60)) for process in running], default=0)

    def log_of(self, name: str) -> str:
        """Return what a service has said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def events_of(self, name: str) -> list[dict[str, Any]]:
        """Return what a service has said, line by line."""
        return [json.loads(line) for line in self.log_of(name).splitlines() if line.startswith("{")]

    def holder(self) -> str:
        """Return the detect service that was given the camera's partition last."""
        partition = f"{FRAMES}/{Topic(FRAMES, FRAME_PARTITIONS, 1).partition_of('cam')}"
        given: dict[str, list[str]] = {}
        for name in ("detect1", "detect2"):
            said = [e["partitions"] for e in self.events_of(name) if e["event"] == "partitions_assigned"]
            given[name] = said[-1] if said else []
        (found,) = [name for name, partitions in given.items() if partition in partitions]
        return found

    def shared(self) -> bool:
        """Whether both detect services have partitions, and together all of them."""
        counts = []
        for name in ("detect1", "detect2"):
            said = [e["partitions"] for e in self.events_of(name) if e["event"] == "partitions_assigned"]
            counts.append(len(said[-1]) if said else 0)
        return min(counts) > 0 and sum(counts) == FRAME_PARTITIONS

    def unready(self) -> set[str]:
        """Return the services that answer that they are not ready; URLError: one does not answer."""
        found = set()
        for name in SERVICES:
            port = self.ops_ports.get(name, self.port)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).close()
            except urllib.error.HTTPError:
                found.add(name)
        return found

    def seconds_until_observed(self, timeout_s: float = 90) -> float:
        """Return how long it takes until the store has taken three more observations than now."""
        start, before = time.monotonic(), None

        def grown() -> bool:
            nonlocal before
            now = metric(self, OBSERVED)
            if now is None:
                return False
            if before is None or now < before:
                before = now
            return now >= before + 3

        until("observations decided on", grown, timeout_s)
        return time.monotonic() - start

    def rss_mb(self) -> dict[str, float]:
        """Return the resident memory of each running service, in MB."""
        found = {}
        for name, process in self.processes.items():
            if process.poll() is None:
                pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="utf-8").split()[1])
                found[name] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return found

    def stands_at(self) -> dict[TopicPartition, int]:
        """Return the store's offsets."""
        engine = create_engine(f"sqlite:///file:{self.folder / 'data' / 'store.sqlite3'}?mode=ro&uri=true")
        try:
            with engine.connect() as connection:
                rows = connection.exec_driver_sql('SELECT topic, "partition", next_offset FROM offsets')
                return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}
        except OperationalError:
            return {}  # it is being created
        finally:
            engine.dispose()
