"""Time limits kept by the clock on the wall: once, late where the service was down, and seen by people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alerts.actions import Doing, NotAllowed, act
from alerts.deadlines import Deadlines
from alerts.incidents.life import Action
from alerts.store import Store
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.support.decided import Desk
from tests.support.escalation import called, cases
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return cases(tmp_path)


class Duty:
    """A desk where somebody was seen at 0, and the clock."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store, self.config, self.clock = store, config, ManualClock(at(0))
        self.desk = Desk(store, config)
        self.desk(observation(0, {1: A}))
        self.service = self.another()

    def another(self) -> Deadlines:
        """Return a service that has just started."""
        self.registry = CollectorRegistry()
        service = Deadlines(self.store, lambda: self.config, self.clock, self.registry)
        service.begin()
        return service

    def at(self, seconds: float) -> list[str]:
        """Let the time come, and return what has happened since the opening."""
        self.clock.advance_to(at(seconds))
        self.service.turn()
        return self.kinds

    @property
    def kinds(self) -> list[str]:
        return [change.kind for change in self.desk.changes()[1:]]

    @property
    def row(self) -> IncidentRow:
        return self.desk.incidents()[0]

    def do(self, what: str, **said: str) -> None:
        act(self.store, self.config, self.clock, self.row.id, Doing(Action(what), "wang", **said))

    def told(self) -> list[tuple[str, str, str]]:
        with self.store.read() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.seq))
            return [(r.receiver, r.payload["change"], r.payload["mode"]) for r in rows]


@pytest.fixture
def duty(store: Store, config: Config) -> Duty:
    return Duty(store, config)


def test_a_case_that_nobody_answers_goes_up_by_itself_as_far_as_it_may(duty: Duty) -> None:
    assert duty.at(59) == []
    assert duty.at(60) == ["overdue"]
    assert duty.row.overdue
    assert duty.registry.get_sample_value("lianfang_incidents_overdue", {"severity": "high"}) == 1
    assert duty.at(119) == ["overdue"]
    assert duty.at(120) == ["overdue", "assigned", "forwarded"]
    assert (duty.row.assignee, duty.row.state) == ("east", "new")
    assert duty.told() == [("grid_app", "forwarded", "task")]
    assert duty.at(300)[3:] == ["tier_due"]
    assert duty.at(9999)[4:] == [], "nothing reaches the police that nobody has pressed"
    assert {receiver for receiver, *_ in duty.told()} == {"grid_app"}
    assert all("late_s" not in change.data for change in duty.desk.changes())


def test_whoever_presses_what_goes_to_the_police_confirms_it(duty: Duty) -> None:
    duty.at(120)
    duty.at(300)
    duty.do("forward")
    assert duty.kinds[-2:] == ["confirmed", "forwarded"]
    assert (duty.row.confirmed_by, duty.row.state) == ("wang", "acknowledged")
    assert [line for line in duty.told() if line[0] == "police"] == [("police", "forwarded", "live")]
    duty.do("close")
    assert [line for line in duty.told() if line[0] == "police"][1:] == [("police", "closed", "live")]
    with pytest.raises(NotAllowed):
        duty.do("forward")


def test_who_answers_in_time_hears_nothing(duty: Duty) -> None:
    duty.at(30)
    duty.do("acknowledge")
    assert duty.at(200) == ["acknowledged"]
    assert duty.at(300)[1:] == ["tier_due"], "a tier that asks for a result still comes"
    duty.do("handle", note="已劝离")
    assert duty.at(9999)[2:] == ["handled"]


def test_who_was_sent_has_a_limit_of_their_own(duty: Duty) -> None:
    duty.at(30)
    duty.do("dispatch", assignee="east")
    assert "overdue" not in duty.at(629)
    assert duty.at(630)[-1] == "overdue"
    duty.do("handle", note="已劝离")
    assert not duty.row.overdue
    assert duty.registry.get_sample_value("lianfang_incidents_overdue", {"severity": "high"}) == 1
    duty.service.turn()
    assert duty.registry.get_sample_value("lianfang_incidents_overdue", {"severity": "high"}) == 0


def test_what_passed_while_the_service_was_down_is_done_at_its_start_once_and_called_late(duty: Duty) -> None:
    duty.clock.advance_to(at(200))
    duty.service = duty.another()
    assert duty.at(200) == ["overdue", "assigned", "forwarded"]
    late = {change.kind: change.data.get("late_s") for change in duty.desk.changes()[1:]}
    assert late == {"overdue": 140, "assigned": None, "forwarded": 80}
    for _ in range(3):
        duty.service = duty.another()
        assert len(duty.at(201)) == 3


def test_of_several_services_one_does_it(duty: Duty) -> None:
    others = [duty.another() for _ in range(3)]
    duty.at(130)
    for service in others:
        service.turn()
    assert duty.kinds == ["overdue", "assigned", "forwarded"]
    assert duty.told() == [("grid_app", "forwarded", "task")]


def test_a_speaker_that_talks_is_given_its_time(store: Store, config: Config) -> None:
    loop = {"text": "请离开", "again_s": 30, "times": 2}
    entry = config.rules["entry"]
    speaking = type(entry).model_validate({**entry.model_dump(), "speech": loop})
    duty = Duty(store, config.model_copy(update={"rules": {"entry": speaking}}))
    assert duty.at(59) == []
    duty.desk(*(observation(t, {1: A}) for t in range(30, 61, 10)))
    assert duty.kinds == ["repeated", "escalated"]
    assert duty.at(119) == ["repeated", "escalated"]
    assert duty.at(120) == ["repeated", "escalated", "overdue"], "a minute from when people were needed"


def test_a_limit_that_was_changed_holds_from_the_start_on(duty: Duty) -> None:
    duty.at(30)
    limits = duty.config.escalation["high"].model_copy(update={"acknowledge_s": 20.0})
    duty.config = duty.config.model_copy(update={"escalation": {"high": limits}})
    assert duty.at(31) == []
    duty.service = duty.another()
    assert duty.at(32) == ["overdue"]


def test_who_will_not_wait_passes_it_on_before_its_time_one_tier_at_a_press(duty: Duty) -> None:
    duty.do("forward")
    assert (duty.kinds, duty.row.state) == (["assigned", "forwarded"], "acknowledged")
    assert duty.told() == [("grid_app", "forwarded", "task")]
    duty.do("forward")
    assert duty.kinds[2:] == ["confirmed", "forwarded"], (
        "the police hear of it, and whoever pressed confirms it"
    )
    with pytest.raises(NotAllowed):
        duty.do("forward")


@pytest.fixture
def calling(store: Store, tmp_path: Path) -> Duty:
    return Duty(store, called(tmp_path))


def _calls(duty: Duty) -> list[tuple[str, int]]:
    changes = duty.desk.changes()
    return [(c.data["person"], c.data["ring"]) for c in changes if c.kind == "rung"]


def test_a_case_that_nobody_answers_calls_one_after_the_other_and_then_the_first_again(calling: Duty) -> None:
    assert calling.at(59) == []
    calling.at(60)
    assert _calls(calling) == [("wang", 1)]
    assert calling.told() == [("grid_app", "rung", "task")]
    calling.at(119)
    calling.at(120)
    assert _calls(calling) == [("wang", 1), ("li", 2)]
    assert len(calling.told()) == 1, "the second one is told nowhere but on the console"
    calling.at(180)
    assert _calls(calling)[-1] == ("wang", 3)
    with calling.store.read() as session:
        payload = session.scalars(select(OutboxRow).order_by(OutboxRow.seq.desc())).first()
    assert payload is not None
    assert payload.payload["called"] == "王芳"
    calling.do("acknowledge")
    assert calling.at(9999)[-1] == "acknowledged"
    calling.do("close")
    assert calling.told()[-1] == ("grid_app", "closed", "task"), "who was called hears that it is over"


def test_what_should_have_been_called_while_the_service_was_down_calls_once(calling: Duty) -> None:
    calling.clock.advance_to(at(600))
    calling.service = calling.another()
    for second in (600, 601, 602):
        calling.at(second)
    assert _calls(calling) == [("wang", 1)]
    assert calling.desk.changes()[-1].data["late_s"] == 540
    others = [calling.another() for _ in range(2)]
    calling.at(660)
    for service in others:
        service.turn()
    assert _calls(calling) == [("wang", 1), ("li", 2)], "of several services one calls"
