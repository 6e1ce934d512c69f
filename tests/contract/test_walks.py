"""Walk tests through the real alert worker, in every store: what was seen is kept, and nobody is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from alerts import walks
from alerts.reports.statistics import statistics
from alerts.store import Store
from alerts.store.schema import IncidentRow, OutboxRow, SuppressionRow
from alerts.store.walks import AudibilityRow, WalkTestRow, newest_heard, newest_walks
from alerts.walks import NotNow, Verdict, Wanted, finish, light_at, start, verdict
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock, SystemClock
from lianfang.config import Config
from lianfang.events import Observation
from tests.e2e.installation import until
from tests.integration.test_alert_worker import decided, publish, working
from tests.support.configs import loaded
from tests.support.observations import at, observation

IN, OUT = (0.5, 0.9), (0.05, 0.9)
ZONE = Wanted("cam", "water", 30)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with closing(EmbeddedBus.own(tmp_path / "bus", clock=SystemClock())) as opened:
        yield opened


def site(folder: Path, **entry: Any) -> Config:  # noqa: ANN401
    return loaded(folder, *((f"rules.entry.{key}", value) for key, value in entry.items()))


def seen(
    begin: float, end: float, *where: tuple[float, float], track: int = 1, fps: int = 5
) -> list[Observation]:
    count = round((end - begin) * fps)
    people: dict[str | int | None, tuple[float, float]] = {track + n: spot for n, spot in enumerate(where)}
    return [observation(begin + i / fps, people) for i in range(count)]


def decide(bus: Bus, store: Store, *events: Observation) -> None:
    """Publish ``events`` and return when all of them are decided on."""
    publish(bus, *events)
    until("the end of the log", decided(bus, store))


def walked(store: Store) -> list[WalkTestRow]:
    with store.read() as session:
        return list(session.scalars(select(WalkTestRow).order_by(WalkTestRow.started_at)))


def incidents(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.scalars(select(IncidentRow).order_by(IncidentRow.opened_at))
        return [(row.state, row.muted) for row in rows]


def owed(store: Store) -> list[str]:
    with store.read() as session:
        return sorted(session.scalars(select(OutboxRow.receiver)))


@pytest.mark.parametrize("life_safety", [False, True])
def test_who_walks_is_seen_and_nobody_is_called_until_another_one_comes(
    store: Store, bus: Bus, tmp_path: Path, *, life_safety: bool
) -> None:
    config, clock = site(tmp_path, life_safety=life_safety), ManualClock(at(0))
    row = start(store, config, clock, "li", ZONE)
    with working(config, bus, store, clock):
        decide(bus, store, *seen(0.2, 2, OUT))
        assert (walked(store)[0].pictures, walked(store)[0].seen) == (9, 0)
        clock.advance_to(at(4))
        decide(bus, store, *seen(2, 4, IN))
        (mine,) = walked(store)
        assert (mine.seen, mine.most, mine.height_px, walks.height_px(mine)) == (10, 1, 72, 72)
        assert (mine.seen_at, mine.last_seen_at) == (at(2), at(3.8))
        assert (mine.alert_at, mine.rule, mine.held) == (at(4), "entry", "")
        assert (verdict(mine, at(4)), incidents(store), owed(store)) == (
            Verdict.RUNNING,
            [("new", "walk_test")],
            [],
        )

        done = finish(store, clock, row.id, "li")
        assert (verdict(done, at(4)), incidents(store)) == (Verdict.ALARMED, [("closed", "walk_test")])
        decide(bus, store, *seen(4, 40, IN, fps=1), *seen(40, 44, OUT, fps=1), *seen(44, 45, IN, track=7))
    assert incidents(store)[1] == ("broadcasting" if not life_safety else "new", "")
    assert owed(store) == ["horn", "police"], "of the one who came after the test"
    assert walked(store)[0].seen == 10, "what is seen afterwards is no part of it"
    with store.read() as session:
        assert statistics(session, config, at(-1), at(100)).total.incidents == 1


def test_a_rule_that_is_asleep_is_told_apart_and_time_ends_a_test(
    store: Store, bus: Bus, tmp_path: Path
) -> None:
    hours = {"windows": [{"begin": "02:00", "end": "03:00"}]}  # it begins at 14:00
    config, clock = site(tmp_path, active=hours), ManualClock(at(0))
    start(store, config, clock, "li", Wanted("cam", "water", 10, limit_s=20))
    with working(config, bus, store, clock):
        decide(bus, store, *seen(0.2, 2, IN, (0.6, 0.95)), *seen(19, 22, IN, track=3))
    (row,) = walked(store)
    assert (row.held, row.rule, row.most, row.pictures) == ("not_active", "entry", 2, 9 + 5)
    assert [verdict(row, at(t)) for t in (19, 20)] == [Verdict.RUNNING, Verdict.HELD]
    clock.advance_to(at(30))
    assert finish(store, clock, row.id, "li", counts=False).ended_at is None, "it is over already"
    assert incidents(store) == []


def test_without_a_picture_nothing_is_known_and_without_people_they_were_missed(
    store: Store, bus: Bus, tmp_path: Path
) -> None:
    config, clock = site(tmp_path), ManualClock(at(0))
    for counts in (True, False):
        row = start(store, config, clock, "li", ZONE)
        clock.advance_to(clock.now() + timedelta(seconds=5))
        finish(store, clock, row.id, "li", counts=counts)
    last = start(store, config, clock, "li", ZONE)
    with working(config, bus, store, clock):
        decide(bus, store, *seen(11, 12, OUT))
    finish(store, clock, last.id, "li")
    found = [verdict(row, at(60)) for row in walked(store)]
    assert found == ["unknown", "cancelled", "missed"]
    with store.read() as session:
        assert [row.id for row in newest_walks(session, at(60))] == [last.id]


def test_no_test_begins_where_it_would_be_taken_for_the_truth(store: Store, bus: Bus, tmp_path: Path) -> None:
    config, clock = site(tmp_path), ManualClock(at(1))
    for wrong in (Wanted("cam", "shore", 10), Wanted("nothing", "water", 10)):
        with pytest.raises(LookupError):
            start(store, config, clock, "li", wrong)
    with pytest.raises(NotNow, match="switched off"):
        start(store, loaded(tmp_path, ("cameras.cam.enabled", False)), clock, "li", ZONE)
    with working(config, bus, store, clock):
        decide(bus, store, *seen(0, 1, IN))
    assert incidents(store) == [("broadcasting", "")]
    with pytest.raises(NotNow, match="is open at point bank"):
        start(store, config, clock, "li", ZONE)
    with store.write() as session:
        session.execute(update(IncidentRow).values(state="closed"))
    first = start(store, config, clock, "li", ZONE)
    with pytest.raises(NotNow, match=f"{first.id} goes on"):
        start(store, config, clock, "wang", Wanted("cam2", "water", 10))
    with store.read() as session:
        words = session.scalars(select(SuppressionRow).order_by(SuppressionRow.revision)).all()
    assert [(word.kind, word.until) for word in words] == [("walk", at(1) + timedelta(seconds=210))], (
        "what was refused says nothing"
    )


def test_a_rule_about_the_water_beside_the_zone_is_no_test(store: Store, bus: Bus, tmp_path: Path) -> None:
    shore = [[0.0, 0.2], [0.15, 0.2], [0.15, 1.0], [0.0, 1.0]]
    drowning = {
        "kind": "zone_entry",
        "name": "落水",
        "cameras": ["cam"],
        "zones": ["shore"],
        "life_safety": True,
        "notify": [{"receiver": "police", "mode": "drill"}],
    }
    config = loaded(tmp_path, ("cameras.cam.zones.shore", {"polygon": shore}), ("rules.drowning", drowning))
    clock = ManualClock(at(0))
    start(store, config, clock, "li", ZONE)
    with working(config, bus, store, clock):
        decide(bus, store, *seen(0.2, 2, IN, OUT))
    assert sorted(incidents(store)) == [("new", ""), ("new", "walk_test")]
    assert owed(store) == ["police"]


@pytest.mark.parametrize(
    ("hour", "light"), [(3, "night"), (6.2, "twilight"), (12, "day"), (17.6, "twilight"), (21, "night")]
)
def test_how_light_it_is_goes_by_the_sun(tmp_path: Path, hour: float, light: str) -> None:
    assert light_at(site(tmp_path), "cam", at((10 + hour) * 3600)) == light  # nominal, it begins at 14:00


def test_what_was_heard_last_at_each_distance_is_known(store: Store) -> None:
    with store.write() as session:
        for n, (distance, heard) in enumerate([(10, "clearly"), (30, "not"), (30, "hardly")]):
            session.add(
                AudibilityRow(speaker="horn", distance_m=distance, heard=heard, note="", by="li", at=at(n))
            )
            session.flush()
    with store.read() as session:
        assert {row.distance_m: row.heard for row in newest_heard(session)} == {10: "clearly", 30: "hardly"}
