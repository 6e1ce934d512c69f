"""New rules and cameras: recorded and shown, nothing said, until a person signs them off with a figure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.actions import Doing, act
from alerts.incidents.life import Action
from alerts.store import Store, suppressions
from alerts.store.schema import SuppressionRow
from alerts.suppressing import Refused, take_back
from alerts.suppression.said import NOTHING_SAID, Kind, Said
from alerts.trials import FORGOTTEN, begin, sign_off
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.integration.test_suppression import SPOT, clock, incidents, owed, play, timeline
from tests.support.configs import loaded
from tests.support.observations import at, observation

NOON = clock("12:00")


def site(folder: Path, *changes: tuple[str, Any]) -> Config:
    base = (("community.trial_days", 7), ("rules.entry.frames", 1))
    return loaded(folder, *base, *changes)


def said(store: Store) -> Said:
    with store.read() as session:
        return suppressions.fresh(session, NOTHING_SAID, at(0))


def trials(store: Store) -> list[SuppressionRow]:
    with store.write() as session:
        return suppressions.trials(session)


def test_what_is_new_is_shown_and_speaks_once_it_is_signed_off(store: Store, tmp_path: Path) -> None:
    config, hour = site(tmp_path), ManualClock(at(0))
    begin(store, config, hour)
    play(store, config, [], [observation(NOON + i, {1: SPOT}) for i in range(5)])
    assert (timeline(store), owed(store, "speech"), owed(store, "notice")) == ([("opened", "trial")], [], [])
    (row,) = incidents(store)
    assert (row.state, row.muted) == ("new", "trial"), "operators judge it"
    hour.advance_to(at(NOON) + timedelta(days=7))
    of = {trial.camera: trial.id for trial in trials(store)}
    sign_off(store, config, hour, of["cam"], "li", "没有误报")
    later = NOON + timedelta(days=7).total_seconds()
    play(store, config, [], [observation(later + i, {1: SPOT}) for i in range(5)])
    assert timeline(store)[-1] == ("opened", "")
    assert owed(store, "speech") == [(at(later), "horn")]
    assert [receiver for _, receiver in owed(store, "notice")] == ["police"]


def test_the_other_camera_of_the_place_is_in_trial_as_well(store: Store, tmp_path: Path) -> None:
    config = site(tmp_path)
    begin(store, config, ManualClock(at(0)))
    both = [observation(NOON + i / 2, {1: SPOT}, camera=("cam", "cam2")[i % 2]) for i in range(9)]
    play(store, config, [], both)
    assert timeline(store) == [("opened", "trial")]


def test_who_is_seen_by_a_camera_that_was_signed_off_is_heard(store: Store, tmp_path: Path) -> None:
    config, hour = site(tmp_path), ManualClock(at(0))
    begin(store, config, hour)
    of = {trial.camera: trial.id for trial in trials(store)}
    sign_off(store, config, hour, of["cam2"], "li", "试过", early=True)
    seen = [observation(NOON + i, {1: SPOT}, camera=("cam", "cam2")[i > 2]) for i in range(6)]
    play(store, config, [], seen)
    assert timeline(store) == [("opened", "trial"), ("heard", ""), ("spoken", "")]


def test_a_trial_is_signed_off_after_its_days_with_its_figure(store: Store, tmp_path: Path) -> None:
    hour = ManualClock(at(0))
    config = site(tmp_path, ("rules.entry.trial_days", 3), ("rules.entry.join_s", 0))
    begin(store, config, hour)
    visits = [
        [observation(NOON + 60 * n + i, {1: SPOT} if i < 5 else {}, epoch=f"e{n}") for i in range(20)]
        for n in range(3)
    ]
    play(store, config, [], [event for visit in visits for event in visit])
    hour.advance_to(at(NOON + 300))
    first, second, _ = incidents(store)
    act(store, config, hour, first.id, Doing(Action.FALSE_ALARM, "li"))
    act(store, config, hour, second.id, Doing(Action.CONFIRM, "li"))
    assert owed(store, "notice") == [], "to call it right is to judge it"
    (trial,) = (t for t in trials(store) if t.camera == "cam")
    with pytest.raises(Refused, match=r"allowed: a sign-off from 2026-07-04T.*, or early"):
        sign_off(store, config, hour, trial.id, "li", "试过")
    with pytest.raises(Refused, match="allowed: to sign it off"):
        take_back(store, hour, trial.id, "li")
    hour.advance_to(at(0) + timedelta(days=3))
    signed = sign_off(store, config, hour, trial.id, "li", "误报来自渔船")
    assert (signed.lifted_by, signed.lifted_why) == ("li", "误报来自渔船")
    assert signed.figure == {"incidents": 3, "judged": 2, "false_alarms": 1}


def test_what_was_away_for_long_begins_anew_and_what_was_away_shortly_goes_on(
    store: Store, tmp_path: Path
) -> None:
    config, hour = site(tmp_path), ManualClock(at(0))
    without = site(tmp_path, ("rules.entry.cameras", ["cam2"]))
    begin(store, config, hour)
    (mine,) = (t for t in trials(store) if t.camera == "cam")
    sign_off(store, config, hour, mine.id, "li", "试过", early=True)

    def away(days: timedelta) -> list[bool]:
        begin(store, without, hour)
        hour.advance_to(hour.now() + days)
        begin(store, config, hour)
        return [t.lifted_at is not None for t in trials(store) if t.camera == "cam" and t.until is None]

    assert away(FORGOTTEN) == [True]
    assert away(FORGOTTEN + timedelta(seconds=1)) == [False]
    assert [t.camera for t in trials(store)].count("cam2") == 1, "it was there all the time"
    begin(store, config, hour)
    assert len(trials(store)) == 3, "a start by itself changes nothing"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), {("entry", "cam"), ("entry", "cam2")}),
        ((("rules.entry.trial_days", 0),), set()),
        ((("community.trial_days", 0), ("rules.entry.trial_days", 1)), {("entry", "cam"), ("entry", "cam2")}),
        ((("rules.entry.enabled", False),), set()),
        ((("cameras.cam.enabled", False),), {("entry", "cam2")}),
        ((("rules", {"faults": {"kind": "device", "name": "故障", "cameras": ["cam"]}}),), set()),
    ],
)
def test_what_is_in_trial(
    store: Store, tmp_path: Path, changes: tuple[tuple[str, Any], ...], expected: set[tuple[str, str]]
) -> None:
    begin(store, site(tmp_path, *changes), ManualClock(at(0)))
    assert {(t.rules[0], t.camera) for t in trials(store)} == expected
    assert all(word.kind is Kind.TRIAL for word in said(store).words)


def test_what_raised_incidents_before_there_were_trials_is_not_new(store: Store, tmp_path: Path) -> None:
    config = site(tmp_path)
    play(store, config, [], [observation(NOON + i, {1: SPOT}) for i in range(3)])
    begin(store, config, ManualClock(at(NOON + 60)))
    assert [t.camera for t in trials(store)] == ["cam2"]
