"""True, but allowed: so many, there, at those hours; and what they leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind, Suppression
from lianfang.config import Config
from lianfang.config.schedule import Schedule, Window
from tests.support.configs import loaded
from tests.support.observations import at
from tests.unit.alerts.test_incidents import A, B, stay
from tests.unit.alerts.test_mutes import SPEECH, played, word


def permit(since: float = 0, until: float | None = None, **keys: object) -> Suppression:
    about: dict[str, Any] = {"rules": ("entry",), "place": "bank", "heads": 1, **keys}
    return word(Kind.PERMIT, since, until, **about)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, ("rules.entry.frames", 1), ("rules.entry.speech", SPEECH))


def test_who_may_be_there_opens_nothing_until_it_expires(config: Config) -> None:
    assert played(config, [permit(0, 100)], stay(0, 105, {1: A})).changes == [(100, "opened")]


def test_one_more_counts_all(config: Config) -> None:
    play = played(config, [permit()], [*stay(0, 20, {1: A}), *stay(20, 25, {1: A, 2: B})])
    assert play.changes == [(20, "opened")]
    assert play.only.people == 2


def test_when_one_more_has_left_it_is_allowed_again(config: Config) -> None:
    events = [*stay(0, 10, {1: A, 2: B}), *stay(10, 60, {1: A}), *stay(60, 65, {1: A, 2: B})]
    play = played(config, [permit()], events)
    assert play.changes == [(0, "opened"), (10, "muted"), (60, "heard"), (60, "repeated")]


def test_the_heads_of_several_permits_add_up(config: Config) -> None:
    assert played(config, [permit(), permit(1)], stay(2, 20, {1: A, 2: B})).kinds == []


def test_a_permit_without_a_number_is_for_any(config: Config) -> None:
    assert played(config, [permit(heads=None)], stay(0, 20, {1: A, 2: B})).kinds == []


@pytest.mark.parametrize(
    "keys",
    [{"rules": ("another",)}, {"place": "gate"}, {"zone": "elsewhere"}, {"camera": "cam2"}, {"heads": 0}],
    ids=["another rule", "another place", "another zone", "another camera", "nobody"],
)
def test_it_is_about_what_it_names(config: Config, keys: dict[str, Any]) -> None:
    assert played(config, [permit(**keys)], stay(0, 5, {1: A})).kinds == ["opened"]


def test_an_incident_from_before_goes_silent_at_once_and_ends_as_any(config: Config) -> None:
    play = played(config, [permit(10)], [*stay(0, 95, {1: A}), *stay(95, 100, {})])
    assert play.changes == [(0, "opened"), (10, "muted"), (96, "cleared")]
    assert (play.only.muted, play.only.spoken) == (Reason.PERMITTED, 1)


def test_another_camera_that_sees_nobody_does_not_end_it(config: Config) -> None:
    empty = stay(0.1, 40, {}, camera="cam2", epoch="x")
    events = sorted([*stay(0, 40, {1: A}), *empty], key=lambda event: event.captured_at)
    assert played(config, [permit(10)], events).kinds == ["opened", "muted"]


def test_no_permit_is_for_a_rule_of_life_and_death(tmp_path: Path) -> None:
    vital = loaded(tmp_path, ("rules.entry.frames", 1), ("rules.entry.life_safety", True))
    assert played(vital, [permit()], stay(0, 5, {1: A})).kinds == ["opened"]


def test_its_hours_are_the_community_s(config: Config) -> None:
    """The script begins at 14:00 there."""
    afternoon = Schedule(windows=(Window(begin="14:00", end="14:01"),))
    assert played(config, [permit(hours=afternoon)], stay(0, 70, {1: A})).changes == [(60, "opened")]


@pytest.mark.parametrize("ends", [{"until": 60}, {"hours": Schedule(windows=(Window(end="14:01"),))}])
def test_what_remains_after_it_is_one_task_without_a_word(config: Config, ends: dict[str, Any]) -> None:
    play = played(config, [permit(heads=None, task_after_s=120, **ends)], stay(0, 300, {1: A, 2: B}))
    assert play.changes == [(180, "opened"), (180, "escalated")]
    assert (play.only.silent, play.only.spoken) == (Reason.TASK, 0)


def test_what_was_tidied_up_in_time_is_no_task(config: Config) -> None:
    events = [*stay(0, 100, {1: A}), *stay(100, 400, {}), *stay(400, 405, {2: B})]
    play = played(config, [permit(0, 60, heads=None, task_after_s=120)], events)
    assert play.changes == [(400, "opened")]
    assert play.only.spoken == 1


def test_a_permit_that_was_lifted_leaves_no_task(config: Config) -> None:
    lifted = permit(task_after_s=120, lifted_at=at(30), lifted_by="li")
    play = played(config, [lifted], stay(0, 40, {1: A}))
    assert play.changes == [(30, "opened")]
    assert play.only.spoken == 1
