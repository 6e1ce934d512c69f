from __future__ import annotations

import pytest

from detectors.helmets.votes import UNSEEN, State, Thresholds, Verdict, Votes, verdict

THRESHOLDS = Thresholds(bare_from=0.8, worn_to=0.3)


@pytest.mark.parametrize(
    ("bare", "state", "confidence"),
    [
        (0.95, "bare", 0.95),
        (0.8, "bare", 0.8),
        (0.79, "unknown", 0.79),
        (0.4, "unknown", 0.6),
        (0.3, "worn", 0.7),
        (0.0, "worn", 1.0),
    ],
)
def test_one_probability(bare: float, state: State, confidence: float) -> None:
    said = verdict(bare, THRESHOLDS)
    assert said.state == state
    assert said.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(("bare_from", "worn_to"), [(0.3, 0.8), (0.5, 0.5), (1.0, 0.2), (0.8, 0.0)])
def test_thresholds_leave_room(bare_from: float, worn_to: float) -> None:
    with pytest.raises(ValueError, match="worn_to < bare_from"):
        Thresholds(bare_from, worn_to)


def votes(*cast: tuple[float, float]) -> Votes:
    made = Votes()
    for bare, head_px in cast:
        made.cast(bare, head_px)
    return made


def test_without_votes_nothing_is_known() -> None:
    assert Votes().verdict(THRESHOLDS, 1) == UNSEEN


def test_too_few_votes_are_unknown_and_enough_decide() -> None:
    ballot = votes((0.9, 30), (0.9, 30))
    assert ballot.verdict(THRESHOLDS, 3) == Verdict("unknown", 0.9)
    ballot.cast(0.9, 30)
    said = ballot.verdict(THRESHOLDS, 3)
    assert said.state == "bare"
    assert said.confidence == pytest.approx(0.9)


def test_one_wrong_look_does_not_turn_the_track() -> None:
    assert votes((0.05, 30), (0.99, 30), (0.05, 30), (0.05, 30)).verdict(THRESHOLDS, 3).state == "worn"


def test_contradictory_looks_are_unknown() -> None:
    assert votes((0.95, 30), (0.05, 30), (0.95, 30), (0.05, 30)).verdict(THRESHOLDS, 3).state == "unknown"


def test_a_near_head_says_more_than_a_far_one_up_to_a_size() -> None:
    assert votes((0.95, 40), (0.05, 10)).verdict(THRESHOLDS, 1).confidence == pytest.approx(0.77)
    # Equal from 40 px on.
    assert votes((0.95, 400), (0.05, 40)).verdict(THRESHOLDS, 1).confidence == pytest.approx(0.5)


def test_old_votes_are_forgotten() -> None:
    ballot = votes(*[(0.0, 30)] * 100, *[(1.0, 30)] * 40)
    assert ballot.verdict(THRESHOLDS, 3) == Verdict("bare", 1.0)
