"""What people said, through rules, incidents and the real store: what is owed to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.pipeline.decide import Decider
from alerts.pipeline.record import record
from alerts.pipeline.rulebook import RuleBook
from alerts.pipeline.speakers import Speakers
from alerts.store import Store, suppressions
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow, SuppressionRow
from alerts.suppressing import say, take_back
from alerts.suppression.said import NOTHING_SAID, Kind, Suppression
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock, SystemClock
from lianfang.config import Config
from lianfang.config.schedule import Schedule, Window
from lianfang.events import Observation
from tests.e2e.installation import until
from tests.integration.test_alert_worker import decided, publish, working
from tests.support.configs import RIVER, loaded
from tests.support.observations import at, observation
from tests.support.outbox import open_store
from tests.unit.alerts.test_mutes import word

SPOT = (0.5, 0.9)
SPEECH = {"text": "请离开{place}", "again_s": 30}
NOTIFY = [{"receiver": "police", "mode": "drill"}]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def clock(day_time: str) -> float:
    """Return the seconds of the script at which it is so late in Shanghai, on the day after it begins."""
    hours, minutes = map(int, day_time.split(":"))
    return (10 + hours) * 3600 + minutes * 60  # it begins at 14:00


def play(store: Store, config: Config, said: Iterable[Suppression], events: Iterable[Observation]) -> None:
    """Decide on ``events`` at the moment at which they were captured, and write what follows."""
    decider = Decider(RuleBook(config, "v1"))
    with store.write() as session:
        for entry in said:
            suppressions.add(session, entry)
        decider.said = suppressions.fresh(session, decider.said, at(0))
        for event in events:
            _decide(session, config, decider, event)


def _decide(session: Session, config: Config, decider: Decider, event: Observation) -> None:
    def now() -> datetime:
        return event.captured_at

    speakers = Speakers(config, decider.said, session, now)
    for decision in decider.decide(event, speakers.refusal):
        if decision.changes:
            record(session, decider.book, decision, now, speakers)


def owed(store: Store, kind: str) -> list[tuple[datetime, str]]:
    with store.read() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.seq))
        return [(row.captured_at, row.receiver) for row in rows]


def timeline(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        changes = session.scalars(select(ChangeRow).order_by(ChangeRow.seq))
        return [(c.kind, str(c.data.get("silent", ""))) for c in changes]


def incidents(store: Store) -> list[IncidentRow]:
    with store.read() as session:
        return list(session.scalars(select(IncidentRow)))


def test_an_angler_with_a_permit_who_falls_into_the_water(store: Store, tmp_path: Path) -> None:
    """02:00, a permit for one until 05:00; he sits through 12 numbers, and is in the water at 04:10."""
    base: dict[str, Any] = {"cameras": ["cam"], "zones": ["water"], "speech": SPEECH, "notify": NOTIFY}
    rules = {
        "lingering": {**base, "kind": "loitering", "name": "逗留", "dwell_s": 20},
        "in_water": {
            **base,
            "kind": "zone_entry",
            "name": "落水",
            "having": {"in_water": [True]},
            "frames": 5,
            "life_safety": True,
        },
    }
    begin, falls = clock("02:00"), clock("04:10")
    number = (falls - begin) / 12
    sits = [observation(t, {int((t - begin) // number): SPOT}) for t in _steps(begin, falls, 1)]
    swims = [observation(falls + i / 5, {11: SPOT}, attributes={"in_water": True}) for i in range(5)]
    permit = word(Kind.PERMIT, begin, clock("05:00"), rules=("lingering",), place="bank", heads=1)
    play(store, loaded(tmp_path, *RIVER, ("rules", rules)), [permit], [*sits, *swims])
    assert [row.rule for row in incidents(store)] == ["in_water"]
    ((spoken_at, horn),) = owed(store, "speech")
    assert horn == "horn"
    assert spoken_at - swims[-1].captured_at <= timedelta(seconds=1)
    assert [receiver for _, receiver in owed(store, "notice")] == ["police"], "and the operator sees it"


def test_what_a_cleaner_leaves_is_one_task_at_seven(store: Store, tmp_path: Path) -> None:
    """A permit from 05:30 to 06:30; eight bags remain."""
    litter = {
        "kind": "left_object",
        "name": "乱丢垃圾",
        "cameras": ["cam"],
        "zones": ["water"],
        "speech": SPEECH,
        "notify": NOTIFY,
        "active": {"windows": [{"begin": "18:00", "end": "21:00"}], "outside": True},
    }
    stage = {"kind": "garbage"}
    config = loaded(
        tmp_path,
        ("detectors.garbage", stage),
        ("cameras.cam.detectors", ["objects", "garbage"]),
        ("rules", {"litter": litter}),
    )
    bags: dict[str | int | None, tuple[float, float]] = {n: (0.25 + n * 0.06, 0.8) for n in range(8)}
    seen = [
        observation(t, bags, label="left_object", attributes={"bag": True})
        for t in _steps(clock("05:40"), clock("07:30"), 2)
    ]
    permit = word(
        Kind.PERMIT,
        0,
        rules=("litter",),
        place="bank",
        hours=Schedule(windows=(Window(begin="05:30", end="06:30"),)),
        task_after_s=1800,
    )
    play(store, config, [permit], seen)
    (task,) = incidents(store)
    assert (task.opened_at, task.people) == (at(clock("07:00")), 8)
    assert owed(store, "speech") == []
    assert timeline(store) == [("opened", "task"), ("escalated", "task")]


def test_in_quiet_hours_people_are_told_at_once_and_it_is_said_when_they_end(
    store: Store, tmp_path: Path
) -> None:
    config = loaded(tmp_path, ("rules.entry.frames", 1), ("rules.entry.speech", SPEECH))
    seven = clock("07:00")
    play(store, config, [], [observation(t, {1: SPOT}) for t in _steps(seven - 20, seven + 40, 1)])
    assert timeline(store) == [
        ("opened", "quiet_hours"),
        ("escalated", "quiet_hours"),
        ("spoken", ""),
        ("repeated", ""),
    ]
    assert [moment for moment, _ in owed(store, "speech")] == [at(seven), at(seven + 30)]


def test_a_silenced_incident_is_nobody_s_until_it_is_heard(store: Store, tmp_path: Path) -> None:
    config = loaded(tmp_path, ("rules.entry.frames", 1))
    silence = word(Kind.SILENCE, 0, 30, rules=("entry",))
    play(store, config, [silence], [observation(t, {1: SPOT}) for t in _steps(0, 40, 1)])
    assert timeline(store) == [("opened", "silenced"), ("heard", ""), ("spoken", "")]
    assert owed(store, "speech") == [(at(30), "horn")]
    assert owed(store, "notice") == [(at(30), "police")]


def test_what_was_silenced_from_beginning_to_end_is_closed_and_told_to_nobody(
    store: Store, tmp_path: Path
) -> None:
    config = loaded(tmp_path, ("rules.entry.frames", 1))
    people = [observation(t, {1: SPOT} if t < 10 else {}) for t in _steps(0, 140, 1)]
    play(store, config, [word(Kind.SILENCE, 0, 300, rules=("entry",))], people)
    (row,) = incidents(store)
    assert (row.state, row.muted) == ("closed", "silenced")
    assert (owed(store, "speech"), owed(store, "notice")) == ([], [])


def test_who_knows_of_an_incident_hears_that_it_is_over_though_it_was_muted(
    store: Store, tmp_path: Path
) -> None:
    config = loaded(tmp_path, ("rules.entry.frames", 1))
    two: dict[str | int | None, tuple[float, float]] = {1: SPOT, 2: (0.3, 0.9)}
    people = [observation(t, {1: SPOT} if t < 5 else two if t < 20 else {}) for t in _steps(0, 25, 1)]
    play(store, config, [word(Kind.SILENCE, 3, 300, rules=("entry",))], people)
    with store.read() as session:
        told = [row.payload["change"] for row in session.scalars(select(OutboxRow)) if row.kind == "notice"]
    assert told == ["opened", "cleared"], "not that there were more of them"


def test_a_speaker_in_maintenance_is_passed_over(store: Store, tmp_path: Path) -> None:
    horn = {"kind": "speaker_http", "base_url": "http://127.0.0.1:1", "token": {"env": "TEST_TOKEN"}}
    config = loaded(
        tmp_path,
        ("rules.entry.frames", 1),
        ("receivers.second", horn),
        ("cameras.cam.zones.water.speakers", ["horn", "second"]),
    )
    works = word(Kind.MAINTENANCE, 0, 100, receiver="horn")
    play(store, config, [works], [observation(0, {1: SPOT})])
    assert owed(store, "speech") == [(at(0), "second")]


def test_words_survive_a_restart_and_are_read_anew_only_when_somebody_said_something(
    store: Store,
) -> None:
    horn = word(Kind.DISMISSAL, 0, rules=("entry",), camera="cam", label="person", xyxyn=(0.1, 0.2, 0.3, 0.4))
    hours = Schedule(windows=(Window(begin="05:30", end="06:30"),))
    angler = word(Kind.PERMIT, 1, rules=("entry",), place="bank", heads=1, hours=hours, task_after_s=60)
    with store.write() as session:
        suppressions.add(session, horn)
        suppressions.add(session, angler, "incident")
    again = Store(str(store.engine.url))
    with again.read() as session:
        said = suppressions.fresh(session, NOTHING_SAID, at(0))
        assert said.words == (horn, angler)
        assert suppressions.fresh(session, said, at(0)) is said
    with again.write() as session:
        row = session.get(SuppressionRow, horn.id)
        assert row is not None
        suppressions.lift(session, row, "li", at(5))
        suppressions.lift(session, row, "zhao", at(6))
        after = suppressions.fresh(session, said, at(4))
        assert (after.words[0].lifted_by, after.words[0].lifted_at) == ("li", at(5))
        assert [w.id for w in suppressions.fresh(session, said, at(7)).words] == [angler.id]
    again.close()


def _steps(begin: float, end: float, step: float) -> list[float]:
    return [begin + i * step for i in range(int((end - begin) / step))]


def test_a_running_worker_hears_a_word_before_the_next_picture(store: Store, tmp_path: Path) -> None:
    """It mutes once, is counted once, and what was lifted is heard once."""
    config, hour = loaded(tmp_path, ("rules.entry.frames", 1)), ManualClock(at(1))
    bus = EmbeddedBus.own(tmp_path / "bus", clock=SystemClock())
    with working(config, bus, store, hour):
        publish(bus, *(observation(i * 0.2, {1: SPOT}) for i in range(5)))
        until("the end of the log", decided(bus, store))
        silence = word(Kind.SILENCE, 1, 60, rules=("entry",))
        hour.advance_to(at(1.5))
        say(store, config, hour, replace(silence, since=at(1.5)))
        publish(bus, *(observation(1 + i * 0.2, {1: SPOT}) for i in range(5)))
        until("the end of the log", decided(bus, store))
        assert timeline(store) == [("opened", ""), ("muted", "silenced")]
        hour.advance_to(at(2))
        take_back(store, hour, silence.id, "li")
        publish(bus, *(observation(2.2 + i * 0.2, {1: SPOT}) for i in range(5)))
        until("the end of the log", decided(bus, store))
    bus.close()
    assert timeline(store) == [("opened", ""), ("muted", "silenced"), ("heard", "")]
    with store.read() as session:
        assert session.get_one(SuppressionRow, silence.id).held == 1
