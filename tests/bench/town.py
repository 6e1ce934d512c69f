"""A town whose cameras see people come and go, as fast as is asked for, and the people who deal with it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alerts.incidents.model import ChangeKind
from lianfang.bus.embedded import EmbeddedBus
from tests.e2e.installation import Outside
from tests.e2e.storm import RECEIVERS, Storm
from tests.support.api import Client, events
from tests.support.configs import SECRETS
from tests.support.people import show

OPERATOR = "operator"
STAYS_S = 0.5  # whoever comes to a camera, so that the next one there is another incident


@dataclass(frozen=True)
class Load:
    """``consoles`` of which ``pages`` are real; every one of ``cameras`` in ``burst_s``, then ``per_s``."""

    consoles: int = 30
    pages: int = 3
    cameras: int = 264
    burst_s: float = 10.0
    per_s: float = 2.0
    steady_s: float = 300.0


class Town(Storm):
    """A rule whose incidents a person must answer, and of which one receiver is told; nothing is said."""

    def __init__(self, folder: Path, outside: Outside, count: int, store: str = "") -> None:
        super().__init__(folder, outside, count, store)
        rule = self.config["rules"]["entry"]
        del rule["speech"]
        rule |= {"frames": 1, "notify": [{"receiver": RECEIVERS[0], "mode": "drill"}]}


@dataclass
class Follower:
    """A client of the live stream: when each incident came, in seconds since 1970."""

    api: Client
    came: dict[str, float] = field(default_factory=dict)
    _unanswered: deque[str] = field(default_factory=deque)

    def deal_with_the_oldest(self) -> None:
        """Acknowledge and close what came first of all that nobody has dealt with."""
        if not self._unanswered:
            return
        incident = self._unanswered.popleft()
        for action in ("acknowledge", "close"):
            reply = self.api.post(f"/api/incidents/{incident}/{action}", {"note": ""})
            assert reply.status == 200, reply.body

    def follow(self, changes: Iterator[tuple[str, str]]) -> None:
        """Note each incident that is opened until the stream ends."""
        for incident, kind in changes:
            if kind == ChangeKind.OPENED:
                self.came[incident] = time.time()
                self._unanswered.append(incident)


@contextmanager
def following(site: Town) -> Iterator[Follower]:
    """Give a client that is logged in and follows what happens from now on."""
    follower = Follower(Client(site.port))
    assert follower.api.login(OPERATOR, SECRETS["TEST_PASSWORD"]).status == 200
    with follower.api.connection("GET", "/api/events") as stream:
        told = (event.data["change"] for event in events(stream) if event.kind == "change")
        changes = ((change["incident_id"], change["kind"]) for change in told)
        thread = threading.Thread(target=follower.follow, args=(changes,), name="follower")
        thread.start()
        try:
            yield follower
        finally:
            follower.api.post("/api/logout")  # which ends its stream
            thread.join(60)


class Visitors(threading.Thread):
    """Shows somebody to each camera in the burst, then to the cameras in turn.

    For each that comes after the burst, the oldest incident is dealt with: as many stay open.
    """

    def __init__(self, site: Town, load: Load, people: Follower, picture: bytes) -> None:
        super().__init__(name="visitors")
        self._site, self._load, self._people, self._picture = site, load, people, picture
        self.burst_is_over = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """Raise all alerts."""
        try:
            bus = EmbeddedBus.join(self._site.folder / "data")
            try:
                self._come_and_go(bus)
            finally:
                bus.close()
        except Exception as error:  # noqa: BLE001 - it is raised again by whoever waits for the thread
            self.error = error
        finally:
            self.burst_is_over.set()

    def _come_and_go(self, bus: EmbeddedBus) -> None:
        load, cameras, picture = self._load, self._site.cameras, self._picture
        moments = [i * load.burst_s / load.cameras for i in range(load.cameras)]
        moments += [load.burst_s + i / load.per_s for i in range(round(load.steady_s * load.per_s))]
        begin, leaving = time.monotonic(), deque[tuple[float, str, int]]()
        for i, moment in enumerate(moments):
            while leaving and leaving[0][0] <= moment:
                due, camera, seq = leaving.popleft()
                _sleep_until(begin + due)
                show(bus, camera, seq, None, picture)
            _sleep_until(begin + moment)
            turn, camera = i // len(cameras), cameras[i % len(cameras)]
            show(bus, camera, 2 * turn, i, picture)
            leaving.append((moment + STAYS_S, camera, 2 * turn + 1))
            if i >= load.cameras:
                self.burst_is_over.set()
                self._people.deal_with_the_oldest()


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
