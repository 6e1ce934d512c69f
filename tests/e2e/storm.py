"""The alert service, killed again and again while people come and go, and receivers that fail at random."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.simulators.server import Fault
from lianfang.bus.embedded import EmbeddedBus
from lianfang.errors import TransientError
from tests.e2e.installation import Installation, Outside, Row
from tests.support.configs import SECRETS
from tests.support.people import show
from tests.support.postgresql import PASSWORD_ENV, database

RECEIVERS = ("police", "street", "town")
VALID_S, TIMEOUT_S = 12.0, 1.0
_PAUSE_S = 0.5  # between two pictures of all cameras: visits go on as long as the kills do
# One visit: seen as often as the rule asks for and once more, then nobody, twice.
_VISIT = (True, True, True, True, False, False)


class Storm(Installation):
    """``lianfang alerts`` alone, which owns the bus, over ``count`` cameras and ``RECEIVERS``."""

    def __init__(self, folder: Path, outside: Outside, count: int, store: str = "") -> None:
        super().__init__(folder, outside, {"kind": "rtsp", "url": "rtsp://127.0.0.1:9/a"})
        self.cameras = tuple(f"cam{i}" for i in range(count))
        self._database = database(store) if store else None
        config = self.config
        config["community"]["broadcasts"] = {"per_hour": 10_000, "camera_per_hour": 10_000}
        config["runtime"] = {"ring_max_bytes": 1024 * 1024}
        if store:
            config |= {"store": store, "postgresql": {"password": {"env": PASSWORD_ENV}}}
        template, police = config["cameras"].pop("cam"), config["receivers"]["police"]
        for camera in self.cameras:
            config["points"][f"at_{camera}"] = {"name": camera}
            config["cameras"][camera] = {**copy.deepcopy(template), "point": f"at_{camera}"}
        shares = {"per_hour": 1000, "per_day": 10_000, "per_night": 1000}
        config["receivers"]["horn"] |= {"timeout_s": TIMEOUT_S, **shares}
        for name, envelope in zip(RECEIVERS, ("none", "cloudevents", "none"), strict=True):
            own = {"url": outside.receivers[name].url, "envelope": envelope, "timeout_s": TIMEOUT_S}
            config["receivers"][name] = police | own | {"retry": {"first_s": 0.2, "longest_s": 2}}
        # Whoever comes again is a new incident.
        rule = config["rules"]["entry"]
        rule |= {
            "cameras": list(self.cameras),
            "join_s": 0,
            "cleared_after": 1,
            "frames": 3,
            "noisy_after": 1000,
        }
        rule["speech"]["valid_s"] = VALID_S
        rule["notify"] = [{"receiver": name, "mode": "drill"} for name in RECEIVERS]

    def start(self) -> None:
        """Start it; also again, as a supervisor does."""
        file = self.folder / "site.yaml"
        file.write_text(yaml.safe_dump(self.config, allow_unicode=True), encoding="utf-8")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lianfang", "alerts", "--config", str(file)],
                env={**os.environ, **SECRETS},
                stdout=log,
                stderr=log,
            )

    def kill(self, service: str = "alerts") -> int:
        """Kill it with SIGKILL; return its process id."""
        process = self.process
        assert process is not None
        assert process.poll() is None, f"{service} has ended by itself"
        process.kill()
        process.wait()
        return process.pid

    def rows(self, table: type[Row]) -> list[Row]:
        """Return every row of a table of the store."""
        if self._database is None:
            return super().rows(table)
        with Session(self._database.reader) as session:
            return list(session.scalars(select(table)))

    def stop(self) -> int:
        """End it as an operator does; return its exit code."""
        if self._database is not None:
            self._database.engine.dispose()
        return super().stop()


class Visitors(threading.Thread):
    """Comes to every camera ``visits`` times; each picture is shown again until the bus has taken it."""

    def __init__(self, site: Storm, visits: int) -> None:
        super().__init__(name="visitors")
        self._site, self._visits = site, visits
        self._bus: EmbeddedBus | None = None
        self._ended = threading.Event()
        self.visits = 0

    def run(self) -> None:
        """Show one visit after the other, at all cameras at the same time."""
        try:
            for seq, visitor in self._looks():
                for camera in self._site.cameras:
                    self._show(camera, seq, visitor)
                if self._ended.wait(_PAUSE_S):
                    return
        finally:
            if self._bus is not None:
                self._bus.close()

    def stop(self) -> None:
        """End, wherever it is."""
        self._ended.set()
        self.join(60)

    def _looks(self) -> Iterator[tuple[int, int | None]]:
        for visit in range(self._visits):
            for step, there in enumerate(_VISIT):
                yield visit * len(_VISIT) + step, visit if there else None
            self.visits = visit + 1

    def _show(self, camera: str, seq: int, visitor: int | None) -> None:
        while not self._ended.is_set():
            try:
                self._bus = self._bus or EmbeddedBus.join(self._site.folder / "data")
                show(self._bus, camera, seq, visitor)
            except TransientError:
                if self._bus is not None:
                    self._bus.close()
                self._bus = None
                self._ended.wait(0.05)
            else:
                return


def failures(rng: random.Random, count: int, share: float, kinds: Sequence[Fault]) -> list[Fault | None]:
    """Return what the next ``count`` requests meet: one of ``kinds`` for ``share`` of them, at random."""
    return [rng.choice(kinds) if rng.random() < share else None for _ in range(count)]


OF_RECEIVERS = (
    *(Fault("status", status=status, body="later") for status in (500, 502, 503)),
    Fault("status", status=429, headers={"Retry-After": "1"}),
    Fault("hang"),
    Fault("close"),
    Fault("garbage"),
    Fault("lost"),
    Fault("late", delay_s=0.3),
)
# None is late: a speaker that keeps no time plays what the wire has held back, and nobody can help that.
OF_SPEAKERS = (
    Fault("status", status=503),
    Fault("hang"),
    Fault("close"),
    Fault("garbage"),
    Fault("lost"),
)
