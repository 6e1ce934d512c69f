"""A rule held back by one that says more, as scripts: whichever of the two is known first."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents.incident import Incident
from alerts.pipeline.order import Event
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import CameraCondition, CameraState, Observation
from tests.support.configs import SQUARE, loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A, Play
from tests.unit.alerts.test_mutes import played, word

BANK: dict[str, Any] = {
    "kind": "zone_entry",
    "name": "岸边有人",
    "cameras": ["cam", "cam2"],
    "zones": ["water"],
    "frames": 1,
    "join_s": 20,
    "speech": {"text": "请离开{place}", "again_s": 30},
    "inhibited_by": ["swim"],
    "within_s": 5,
}
SWIM: dict[str, Any] = {
    "kind": "zone_entry",
    "name": "有人落水",
    "cameras": ["cam", "cam2"],
    "zones": ["lake"],
    "frames": 1,
    "join_s": 10,
    "having": {"in_water": [True]},
}
LAKE = {"polygon": SQUARE, "kind": "water", "place": "lake"}


def site(folder: Path, *changes: tuple[str, Any]) -> Config:
    """Return two cameras of a point whose zones are at two places of it."""
    return loaded(
        folder,
        ("detectors.river", {"kind": "river"}),
        *((f"cameras.{camera}.detectors", ["objects", "river"]) for camera in ("cam", "cam2")),
        *((f"cameras.{camera}.zones.lake", LAKE) for camera in ("cam", "cam2")),
        ("rules", copy.deepcopy({"bank": BANK, "swim": SWIM})),
        *changes,
    )


def stay(start: float, end: float, *, wet: bool | None = False, camera: str = "cam") -> list[Observation]:
    """Return pictures twice a second: somebody in the water, somebody beside it, or nobody (None)."""
    people: dict[str | int | None, tuple[float, float]] = {} if wet is None else {1: A}
    attributes = {"in_water": bool(wet)}
    times = [start + i / 2 for i in range(round((end - start) * 2))]
    return [observation(t, people, camera=camera, attributes=attributes) for t in times]


def merged(*streams: list[Observation]) -> list[Event]:
    return sorted((e for stream in streams for e in stream), key=lambda event: event.captured_at)


def of(play: Play, rule: str) -> Incident:
    (incident,) = (i for i in play.incidents.values() if i.rule == rule)
    return incident


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return site(tmp_path)


def test_it_waits_for_the_other_and_is_then_heard(config: Config) -> None:
    play = Play(config)(stay(0, 10))
    assert play.changes == [(0, "opened"), (5, "heard")]
    assert (of(play, "bank").muted, of(play, "bank").spoken) == (None, 1)


def test_who_has_left_before_is_heard_of_all_the_same(config: Config) -> None:
    play = Play(config)([*stay(0, 1), *stay(1, 10, wet=None)])
    assert play.changes == [(0, "opened"), (2, "cleared"), (5, "heard")]


def test_a_camera_that_is_lost_meanwhile_is_waited_for_by_nobody(config: Config) -> None:
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(3))
    play = Play(config)([*stay(0, 2), lost])
    assert play.changes == [(0, "opened"), (3, "unseen"), (3, "heard"), (3, "escalated")]


def test_an_incident_that_ends_before_is_heard_of_first(tmp_path: Path) -> None:
    play = Play(site(tmp_path, ("rules.bank.join_s", 0)))([*stay(0, 1), *stay(1, 3, wet=None)])
    assert play.kinds == ["opened", "cleared", "heard", "ended"]


def test_what_still_holds_is_heard_when_the_other_is_over(config: Config) -> None:
    """Ten seconds after the water was left nobody joins its incident any more: it is over."""
    play = Play(config)([*stay(0, 10, wet=True), *stay(10, 30)])
    bank = of(play, "bank")
    assert (bank.opened_at, bank.muted) == (at(0), None)
    heard = next(t for t, kind in play.changes if kind == "heard")
    assert heard == pytest.approx(9.5 + 10, abs=0.5)


def test_an_incident_of_another_camera_of_the_point_counts(config: Config) -> None:
    play = Play(config)(merged(stay(0, 10), stay(2, 10, wet=True, camera="cam2")))
    swim = next(i for i in play.incidents.values() if i.rule == "swim")
    assert (of(play, "bank").muted, of(play, "bank").muted_by) == (Reason.INHIBITED, swim.id)


def test_an_incident_elsewhere_does_not(tmp_path: Path) -> None:
    away = site(tmp_path, ("cameras.cam2.point", "gate"), ("cameras.cam2.zones.lake.place", "pool"))
    play = Play(away)(merged(stay(0, 10), stay(0, 10, wet=True, camera="cam2")))
    assert next(i for i in play.incidents.values() if i.place == "bank").muted is None


def test_what_nobody_hears_of_holds_nothing_back(config: Config) -> None:
    silence = word(Kind.SILENCE, 0, 100, rules=("swim",))
    assert of(played(config, [silence], stay(0, 10, wet=True)), "bank").muted is None


def test_what_people_are_done_with_holds_nothing_back(config: Config) -> None:
    play = Play(config)(stay(0, 10, wet=True))
    assert of(play, "bank").muted is Reason.INHIBITED
    swim = next(i for i in play.incidents.values() if i.rule == "swim")
    assert swim.id in play.decider.concerned(["cam2"]), "whether they are is read for its whole point"
    play.decider.settled = frozenset({swim.id})
    play(stay(10, 11, wet=True))
    assert of(play, "bank").muted is None


@given(looks=st.integers(1, 40), apart=st.integers(0, 4), behind=st.integers(0, 4), swap=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_in_which_both_become_known_does_not_matter(
    config: Config, looks: int, apart: int, behind: int, *, swap: bool
) -> None:
    """One camera sees somebody on the bank, the other somebody in the water, within the 5 s, either first.

    The log may have the pictures of one camera ``behind`` those of the other by as much as is left of them.
    """
    behind = min(behind, 4 - apart)
    first, second = (apart, 0) if swap else (0, apart)
    bank = stay(first, first + looks / 2)
    bank += stay(first + looks / 2, 30, wet=None)
    swim = stay(second, 30, wet=True, camera="cam2")
    delays = {"cam": 0, "cam2": behind} if not swap else {"cam": behind, "cam2": 0}

    def logged_at(event: Observation) -> object:
        return event.captured_at + (at(delays[event.camera_id]) - at(0)), event.camera_id

    play = Play(config)(sorted([*bank, *swim], key=logged_at))  # type: ignore[arg-type]
    assert {i.muted for i in play.incidents.values() if i.rule == "bank"} == {Reason.INHIBITED}
    assert [i.muted for i in play.incidents.values() if i.rule == "swim"] == [None]


@given(st.lists(st.sampled_from([None, False, True]), min_size=1, max_size=60), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_restart_decides_the_same(config: Config, seen: list[bool | None], data: st.DataObject) -> None:
    script = [event for i, wet in enumerate(seen) for event in stay(i / 2, i / 2 + 0.5, wet=wet)]
    live = Play(config)(script)
    cut = data.draw(st.integers(0, len(script)))
    before, again = Play(config)(script[:cut]), Play(config)
    again.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    for event in script[:cut]:
        again.order.admit(event)
        again.decider.remember(event)
    again(script[cut:])
    assert before.changes + again.changes == live.changes
    assert before.incidents | again.incidents == live.incidents


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ([("rules.bank.inhibited_by", ["swm"])], "'swm'; allowed: one of swim"),
        ([("rules.bank.inhibited_by", ["bank"])], "'bank'; allowed: a rule that does not wait for this one"),
        ([("rules.swim.inhibited_by", ["bank"])], "'bank'; allowed: a rule that does not wait for this one"),
        ([("rules.bank.life_safety", True)], "life_safety; allowed: no rule: what may save a life"),
        (
            [
                ("rules.bank.cameras", ["cam"]),
                ("rules.swim.cameras", ["cam2"]),
                ("cameras.cam2.point", "gate"),
            ],
            "'swim'; allowed: a rule that looks at the same point",
        ),
    ],
)
def test_what_cannot_hold_it_back_is_refused(
    tmp_path: Path, changes: list[tuple[str, Any]], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        site(tmp_path, *changes)
