"""What came late after an outage: one incident with counts, and one notice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.digests import Digests
from alerts.pipeline.decide import Decider
from alerts.pipeline.record import record
from alerts.pipeline.rulebook import RuleBook
from alerts.rules import late
from alerts.store import Store
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.integration.test_suppression import SPOT
from tests.support.api import Client, Site, config, serving
from tests.support.configs import loaded
from tests.support.observations import at, observation

CAUGHT_UP: dict[str, Any] = {
    "kind": "late",
    "name": "中断期间的警情",
    "cameras": ["cam", "cam2"],
    "notify": [{"receiver": "police", "mode": "drill"}],
}


def site(folder: Path, *changes: tuple[str, Any]) -> Config:
    return loaded(
        folder,
        ("rules.entry.frames", 1),
        ("rules.entry.join_s", 0),
        ("rules.entry.cleared_after", 1),
        ("cameras.cam2.zones.water.place", "other"),
        ("rules.caught_up", CAUGHT_UP),
        *changes,
    )


def visit(start: float, camera: str = "cam") -> list[Observation]:
    """Return somebody who comes and goes; whoever comes after that is another incident."""
    there = observation(start, {1: SPOT}, camera=camera, epoch=f"e{start}")
    return [there, *(observation(start + 1 + i, {}, camera=camera, epoch=f"e{start}") for i in range(2))]


class Office:
    """An alert service that decides at ``hour`` on what was seen before, and tells what came late."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store, self.config, self.hour = store, config, ManualClock(at(1000))
        self.decider = Decider(RuleBook(config))
        self.digests = Digests(store, lambda: config, self.hour)

    def hears(self, events: Iterable[Observation], *, late: bool = True) -> None:
        with self.store.write() as session:
            for event in events:
                for decision in self.decider.decide(event, late=late):
                    record(session, self.decider.book, decision, self.hour.now)

    def turns(self, seconds: float) -> list[IncidentRow]:
        """Let it be ``seconds`` later, and return what was told so far."""
        self.hour.advance_to(at(1000 + seconds))
        self.digests.turn()
        with self.store.read() as session:
            query = select(IncidentRow).where(IncidentRow.rule == "caught_up")
            return list(session.scalars(query.order_by(IncidentRow.opened_at)))


def test_an_outage_is_one_incident_and_one_notice(store: Store, tmp_path: Path) -> None:
    office = Office(store, site(tmp_path))
    office.hears([*visit(0), *visit(60), *visit(120), *visit(180, "cam2")])
    assert office.turns(29) == []
    (told,) = office.turns(30)
    assert told.figures == {"cam": {"有人进入": 3}, "cam2": {"有人进入": 1}}
    assert (told.people, told.state, told.severity, told.occupied) == (4, "new", "low", False)
    assert (told.opened_at, told.cleared_at) == (at(0), at(180))
    with store.read() as session:
        (notice,) = session.scalars(select(OutboxRow)).all()
        opened = session.scalars(select(ChangeRow).where(ChangeRow.incident_id == told.id)).one()
    assert (notice.receiver, notice.payload["title"]) == ("police", "中断期间的警情")
    assert notice.payload["figures"] == told.figures
    assert (opened.kind, opened.data["reason"]) == ("opened", "late")
    assert len(office.turns(600)) == 1, "once"


def test_the_console_shows_an_outage_of_several_points(tmp_path: Path) -> None:
    there = Site(config(tmp_path), Store(f"sqlite:///{tmp_path}/store.db"))
    rule = late.Config.model_validate({**CAUGHT_UP, "cameras": list(there.config.cameras), "notify": []})
    there.config = there.config.model_copy(update={"rules": {**there.config.rules, "caught_up": rule}})
    for n, camera in enumerate(("lake_north", "gate_cam", "gate_cam")):
        point = there.config.point_of(camera)
        there.open_incident(n, camera=camera, point=point, muted="late", late_at=there.clock.now())
    now = ManualClock(there.clock.now() + timedelta(seconds=60))
    Digests(there.store, lambda: there.config, now).turn()
    with serving(there.app()) as port:
        client = Client(port)
        client.login()
        incidents = client.get("/api/incidents").json["incidents"]
    there.store.close()
    (told,) = (i for i in incidents if i["rule"]["id"] == "caught_up")
    assert (told["point"]["name"], told["camera"]["name"], told["calm"]) == ("", "", False)
    assert [(f["source"]["name"], f["name"], f["value"]) for f in told["figures"]] == [
        ("北门球机", "有人进入水域危险区", 2),
        ("1号机位", "有人进入水域危险区", 1),
    ]


def test_each_outage_has_its_own(store: Store, tmp_path: Path) -> None:
    office = Office(store, site(tmp_path))
    office.hears(visit(0))
    office.turns(30)
    office.hears([*visit(60), *visit(120)])
    assert [told.people for told in office.turns(60)] == [1, 2]


def test_an_outage_that_goes_on_is_told_in_parts(store: Store, tmp_path: Path) -> None:
    office = Office(store, site(tmp_path, ("rules.caught_up.every_s", 60)))
    for n in range(7):
        office.hears(visit(60 * n))
        told = office.turns(10 * (n + 1))
    assert [one.people for one in told] == [6]


def test_what_is_heard_after_all_is_not_in_it(store: Store, tmp_path: Path) -> None:
    """Who came during the outage still stands there when pictures are fresh again."""
    office = Office(store, site(tmp_path))
    office.hears([*visit(0), observation(60, {1: SPOT}, epoch="e60")])
    office.hears([observation(62, {1: SPOT}, epoch="e60")], late=False)
    (told,) = office.turns(30)
    assert told.people == 1


def test_what_may_save_a_life_is_heard_at_once_and_not_again(store: Store, tmp_path: Path) -> None:
    office = Office(store, site(tmp_path, ("rules.entry.life_safety", True)))
    office.hears(visit(0))
    assert office.turns(60) == []


def test_a_restarted_service_knows_of_no_digest_to_go_on_with(store: Store, tmp_path: Path) -> None:
    office = Office(store, site(tmp_path))
    office.hears(visit(0))
    (told,) = office.turns(30)
    assert told.ended_at is not None, "no rule looks whether it is over"


def test_it_says_nothing_to_anybody_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="speech: found a text; allowed: none"):
        site(tmp_path, ("rules.caught_up.speech", {"text": "请离开"}))
