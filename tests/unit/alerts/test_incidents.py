"""The life of an incident, as a script: who stands where at t → what changes, through the real rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents.incident import Incident
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Dropped, Event, Order
from alerts.pipeline.rulebook import RuleBook
from lianfang.config import Config
from lianfang.events import CameraCondition, CameraState, Observation
from tests.support.configs import loaded
from tests.support.observations import at, observation

A, B, C, OUT = (0.3, 0.9), (0.5, 0.9), (0.7, 0.9), (0.1, 0.9)


class Play:
    """Plays events through order and decider, and remembers what changed when."""

    def __init__(self, config: Config) -> None:
        self.order, self.decider = Order(), Decider(RuleBook(config))
        self.changes: list[tuple[float, str]] = []
        self.incidents: dict[str, Incident] = {}
        self.dropped: list[Dropped] = []

    def __call__(self, events: Iterable[Event]) -> Play:
        for event in events:
            reason = self.order.admit(event)
            if reason is not None:
                self.dropped.append(reason)
                continue
            for decision in self.decider.decide(event):
                self.incidents[decision.incident.id] = decision.incident
                for change in decision.changes:
                    self.changes.append(((change.at - at(0)).total_seconds(), str(change.kind)))
        return self

    @property
    def kinds(self) -> list[str]:
        return [kind for _, kind in self.changes]

    @property
    def only(self) -> Incident:
        (incident,) = self.incidents.values()
        return incident


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(loaded(tmp_path))


def stay(
    start: float,
    end: float,
    people: dict[str | int | None, tuple[float, float]],
    camera: str = "cam",
    epoch: str = "e1",
    step: float = 0.5,
) -> list[Observation]:
    """Return observations from ``start`` to before ``end``."""
    count = round((end - start) / step)
    return [observation(start + i * step, people, camera=camera, epoch=epoch) for i in range(count)]


def test_one_person_is_one_incident_until_the_place_is_empty(play: Play) -> None:
    play([*stay(0, 10, {1: A}), *stay(10, 14, {})])
    assert play.changes == [(1.0, "opened"), (11.0, "cleared")]
    assert play.only.people == 1


def test_a_return_within_the_joining_time_is_the_same_incident(play: Play) -> None:
    play([*stay(0, 10, {1: A}), *stay(10, 60, {}), *stay(60, 70, {2: A})])
    assert play.kinds == ["opened", "cleared", "returned"]
    assert len(play.incidents) == 1


def test_a_sighting_after_the_joining_time_is_another_incident(play: Play) -> None:
    play([*stay(0, 10, {1: A}), *stay(10, 14, {}), *stay(140, 145, {2: A})])
    assert play.kinds == ["opened", "cleared", "ended", "opened"]
    assert len(play.incidents) == 2


def test_the_incident_of_two_people_clears_when_the_last_has_left(play: Play) -> None:
    play([*stay(0, 10, {1: A, 2: C}), *stay(10, 20, {2: C}), *stay(20, 24, {})])
    assert play.changes == [(1.0, "opened"), (21.0, "cleared")]
    assert (play.only.people, play.only.members_total) == (2, 2)


def test_a_second_person_raises_it_once(play: Play) -> None:
    play(
        [*stay(0, 5, {1: A}), *stay(5, 10, {1: A, 2: C}), *stay(10, 15, {1: A}), *stay(15, 20, {1: A, 2: C})]
    )
    assert play.kinds == ["opened", "raised"]


def test_a_new_track_number_and_a_second_camera_join(play: Play) -> None:
    events = [
        *stay(0, 35, {1: A}),
        *stay(35, 40, {2: A}),
        *sorted(
            [*stay(40, 95, {2: A}), *stay(40.1, 95.1, {7: C}, camera="cam2", epoch="x")],
            key=lambda o: o.captured_at,
        ),
        *sorted(
            [*stay(95, 100, {}), *stay(95.1, 100.1, {}, camera="cam2", epoch="x")],
            key=lambda o: o.captured_at,
        ),
    ]
    play(events)
    assert play.kinds == ["opened", "cleared"]
    assert play.only.people == 1


def test_it_is_not_cleared_while_one_of_two_cameras_still_sees_somebody(play: Play) -> None:
    both = [*stay(0, 5, {1: A}), *stay(0.1, 5.1, {1: A}, camera="cam2", epoch="x")]
    one = [*stay(6, 20, {}), *stay(6.1, 20.1, {1: A}, camera="cam2", epoch="x")]
    play(sorted([*both, *one], key=lambda o: o.captured_at))
    assert play.kinds == ["opened"]


def test_the_empty_view_of_a_camera_that_never_saw_anybody_clears_nothing(play: Play) -> None:
    play(
        sorted(
            [*stay(0, 5, {1: A}), *stay(0.1, 30.1, {}, camera="cam2", epoch="x")], key=lambda o: o.captured_at
        )
    )
    assert play.kinds == ["opened"]


def test_no_coverage_is_unknown_and_never_cleared(play: Play) -> None:
    lost = CameraState(
        camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(6), reason="timeout"
    )
    play([*stay(0, 5, {1: A}), lost, *stay(600, 634, {1: A}, epoch="e2")])
    assert play.kinds == ["opened", "unseen", "escalated", "seen"]
    assert len(play.incidents) == 1


def test_a_restarted_detector_keeps_the_incident_and_the_person(play: Play) -> None:
    # The detector is killed at 10 and back at 16: another epoch, another number, the same person.
    play([*stay(0, 10, {1: A}), *stay(16, 20, {1: A}, epoch="e2"), *stay(20, 24, {}, epoch="e2")])
    assert play.changes == [(1.0, "opened"), (21.0, "cleared")]
    assert play.only.members_total == 1


def test_the_first_frame_of_a_restarted_tracker_does_not_clear(play: Play) -> None:
    # It has confirmed nobody yet: the person is there without a number.
    unsure = [observation(16 + i / 2, {None: A}, epoch="e2") for i in range(8)]
    play([*stay(0, 10, {1: A}), *unsure])
    assert play.kinds == ["opened"]
    assert play.only.occupied


def test_a_ghost_elsewhere_does_not_keep_a_place_occupied(play: Play) -> None:
    ghosts = [observation(10 + i / 2, {None: (0.78, 0.3)}) for i in range(10)]
    play([*stay(0, 10, {1: (0.22, 0.9)}), *ghosts])
    assert play.kinds == ["opened", "cleared"]


def test_after_a_break_whoever_may_be_there_is_no_empty_view(play: Play) -> None:
    unsure = [observation(40 + i / 2, {None: C}) for i in range(4)]
    play([*stay(0, 5, {1: A}), *unsure, *stay(42, 45, {2: C})])
    assert play.kinds == ["opened"]


def test_after_a_break_an_empty_view_is_one(play: Play) -> None:
    play([*stay(0, 5, {1: A}), *stay(40, 43, {})])
    assert play.changes == [(1.0, "opened"), (41.0, "cleared")]


def test_a_ghost_keeps_a_place_occupied_only_for_a_while_after_a_break(play: Play) -> None:
    play([*stay(0, 5, {1: A}), *stay(40, 50, {None: C})])
    assert play.changes == [(1.0, "opened"), (44.0, "cleared")]


def test_whoever_was_there_before_a_break_is_still_there_after_it(play: Play) -> None:
    play([*stay(0, 5, {1: A}), *stay(9, 12, {2: C})])
    assert play.kinds == ["opened"]
    assert play.only.members_total == 1


def test_a_slow_camera_has_no_break_between_any_two_pictures(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, ("cameras.cam.fps", 0.2)))
    play([*stay(0, 30, {1: A}, step=5), *stay(30, 35, {2: C}, step=5), *stay(35, 60, {}, step=5)])
    assert play.kinds == ["opened", "cleared"]


def test_a_tracker_that_was_superseded_is_not_heard_any_more(play: Play) -> None:
    old = observation(11.2, {5: C}, epoch="e1")
    play([*stay(0, 10, {1: A}, epoch="e1"), *stay(10, 11, {1: A}, epoch="e2"), old])
    assert play.dropped == [Dropped.OLD_EPOCH]


def test_a_tracker_that_was_superseded_is_heard_again_where_the_newer_one_is_silent(play: Play) -> None:
    back = stay(16.2, 20, {1: A}, epoch="e1")
    play([*stay(0, 10, {1: A}, epoch="e1"), *stay(10, 11, {1: A}, epoch="e2"), *back])
    assert play.dropped == []
    play([observation(20.5, {9: C}, epoch="e2")])
    assert play.dropped == [Dropped.OLD_EPOCH], "now the other one is superseded"


def test_late_and_repeated_observations_are_dropped(play: Play) -> None:
    script = stay(0, 5, {1: A})
    play([*script, script[3], script[-1]])
    assert play.dropped == [Dropped.LATE, Dropped.LATE]


def test_a_clock_that_was_ahead_and_is_set_right_leaves_no_camera_blind(play: Play) -> None:
    ahead = stay(100_000, 100_010, {1: A})
    right = [observation(i / 2, {1: A}, epoch="e2", connection="d") for i in range(10)]
    play([*ahead, *stay(100_010, 100_014, {}), *right])
    assert play.kinds == ["opened", "cleared", "ended", "opened"]
    assert play.dropped == []
    # The old connection's records, should they come again, are late all the same.
    play(ahead[-2:-1])
    assert play.dropped in ([Dropped.OLD_EPOCH], [Dropped.LATE])


def test_a_small_step_back_is_late_even_on_a_new_connection(play: Play) -> None:
    play([*stay(0, 10, {1: A}), observation(5, {1: A}, epoch="e2", connection="d")])
    assert play.dropped == [Dropped.LATE]


def test_an_occlusion_within_an_epoch_is_the_same_person_only_if_near(play: Play) -> None:
    play([*stay(0, 5, {1: A}), *stay(5, 6, {}), *stay(6, 9, {2: A})])
    assert play.only.members_total == 1
    far = Play(play.decider.book.config)
    far([*stay(0, 5, {1: (0.25, 0.9)}), *stay(5.5, 9, {2: (0.78, 0.3)})])
    assert far.only.members_total == 2


def test_whoever_was_seen_leaving_is_not_taken_for_the_next_one(play: Play) -> None:
    leaving = [observation(5, {1: OUT, 2: B})]
    play([*stay(0, 5, {1: A}), *leaving, *stay(5.5, 8, {2: B})])
    assert play.only.members_total == 2


def test_whoever_steps_out_and_in_again_is_the_same(play: Play) -> None:
    play([*stay(0, 5, {1: A}), *stay(5, 6, {1: OUT}), *stay(6, 9, {1: A})])
    assert play.only.members_total == 1


def test_two_tracks_seen_together_are_two_members(play: Play) -> None:
    play([*stay(0, 5, {1: A, 2: B})])
    assert play.only.members_total == 2


def test_takeover_is_one_to_one_and_nearest_first(play: Play) -> None:
    play([*stay(0, 5, {1: A, 2: C}), *stay(8, 12, {8: (0.68, 0.9), 9: (0.31, 0.9)}, epoch="e2")])
    by_track = {p.track_id: p.n for p in play.only.members}
    assert by_track == {"e2:9": 1, "e2:8": 2}
    assert play.only.members_total == 2


_PLACES = st.sampled_from([A, B, C, OUT])
_FRAMES = st.lists(st.dictionaries(st.sampled_from([1, 2, 3]), _PLACES, max_size=3), min_size=1, max_size=40)


@given(_FRAMES, st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_replay_with_duplicates_from_any_point_equals_the_live_run(
    tmp_path: Path, frames: Sequence[dict[str | int | None, tuple[float, float]]], data: st.DataObject
) -> None:
    config = loaded(tmp_path)
    script = [observation(i * 0.5, people) for i, people in enumerate(frames)]
    live = Play(config)(script)
    cut = data.draw(st.integers(0, len(script)))
    again = Play(config)([*script[:cut], *script[:cut], *script])
    assert again.changes == live.changes
    assert again.incidents == live.incidents


@given(_FRAMES, _FRAMES, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cameras_of_other_places_do_not_touch_each_other_in_any_interleaving(
    tmp_path: Path,
    first: Sequence[dict[str | int | None, tuple[float, float]]],
    second: Sequence[dict[str | int | None, tuple[float, float]]],
    random: object,
) -> None:
    config = loaded(tmp_path, ("cameras.cam2.point", "gate"))
    one = [observation(i * 0.5, people) for i, people in enumerate(first)]
    two = [observation(i * 0.5, people, camera="cam2", epoch="x") for i, people in enumerate(second)]
    mixed: list[Observation] = []
    left, right = list(one), list(two)
    while left or right:
        take_left = bool(left) and (not right or random.random() < 0.5)  # type: ignore[attr-defined]
        mixed.append((left if take_left else right).pop(0))
    apart = Play(config)(one).incidents | Play(config)(two).incidents
    assert Play(config)(mixed).incidents == apart
