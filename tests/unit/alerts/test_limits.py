"""By when something must have been done about a case, and who hears of it if not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.limits import Timed, limit_at, next_at, tiers_ahead
from alerts.incidents.model import State
from lianfang.config import Text
from lianfang.config.escalation import Escalation, Tier
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.support.observations import at

LIMITS = Escalation(
    acknowledge_s=60,
    handle_s=600,
    tiers=(
        Tier(name=Text(zh="网格员"), after_s=120),
        Tier(name=Text(zh="所长"), after_s=300, unless="handled"),
        Tier(name=Text(zh="警方"), after_s=900, unless="handled", automatic=False, mode="live"),
    ),
)


def case(
    state: State, *, alarmed: float | None = 0, overdue: bool = False, reached: tuple[int, ...] = ()
) -> Timed:
    return Timed(state, at(10), None if alarmed is None else at(alarmed), overdue, reached)


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (State.NEW, 70),
        (State.ESCALATED, 70),
        (State.DISPATCHED, 610),
        (State.BROADCASTING, None),
        (State.ACKNOWLEDGED, None),
        (State.HANDLED, None),
        (State.CLOSED, None),
    ],
)
def test_what_a_state_asks_for(state: State, seconds: float | None) -> None:
    assert limit_at(case(state), LIMITS) == (None if seconds is None else at(seconds))
    assert limit_at(case(state), Escalation()) is None


@pytest.mark.parametrize(
    ("timed", "ahead"),
    [
        (case(State.NEW), [(0, 120), (1, 300), (2, 900)]),
        (case(State.NEW, reached=(0,)), [(1, 300), (2, 900)]),
        (case(State.ACKNOWLEDGED), [(1, 300), (2, 900)]),  # the first one is needless now
        (case(State.DISPATCHED, reached=(1,)), [(2, 900)]),
        (case(State.HANDLED), []),
        (case(State.FALSE_ALARM), []),
        (case(State.BROADCASTING, alarmed=None), []),
        (case(State.NEW, alarmed=100), [(0, 220), (1, 400), (2, 1000)]),
    ],
)
def test_who_hears_of_it(timed: Timed, ahead: list[tuple[int, float]]) -> None:
    assert list(tiers_ahead(timed, LIMITS)) == [(number, at(seconds)) for number, seconds in ahead]


@given(
    state=st.sampled_from(State),
    alarmed=st.none() | st.floats(0, 5000),
    overdue=st.booleans(),
    reached=st.sets(st.integers(0, 2)),
    seconds=st.floats(0, 10_000),
)
def test_what_has_been_done_is_never_due_again(
    state: State, alarmed: float | None, overdue: bool, reached: set[int], seconds: float
) -> None:
    now: datetime = at(seconds)
    timed = case(state, alarmed=alarmed, overdue=overdue, reached=tuple(reached))
    limit = limit_at(timed, LIMITS)
    passed = {number for number, when in tiers_ahead(timed, LIMITS) if when <= now}
    assert not passed & reached
    done = Timed(
        state,
        timed.since,
        timed.alarmed_at,
        overdue or (limit is not None and limit <= now),
        reached | passed,
    )
    following = next_at(done, LIMITS)
    assert following is None or following > now
    assert following is None or following <= now + timedelta(seconds=10_000)


TIER = {"name": "值班长", "after_s": 60, "to": ["police"]}


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        ([{**TIER, "mode": "live"}], "automatic: found true with mode live"),
        ([{**TIER, "to": ["horn"]}], "to.0: found 'horn'"),
        ([{**TIER, "after_s": 90}, TIER], "tiers in the order of their after_s"),
    ],
)
def test_tiers_that_may_not_be(tmp_path: Path, tiers: list[object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        loaded(tmp_path, ("escalation", {"high": {"tiers": tiers}}))


@pytest.mark.parametrize(
    ("keys", "refused"), [({}, True), ({"automatic": False}, False), ({"mode": "drill"}, False)]
)
def test_nothing_reaches_the_police_by_itself(tmp_path: Path, keys: dict[str, object], refused: bool) -> None:
    changes = (
        ("rules.entry.notify", [{"receiver": "police", "mode": "live"}]),
        ("escalation", {"high": {"tiers": [{**TIER, **keys}]}}),
    )
    if not refused:
        loaded(tmp_path, *changes)
        return
    with pytest.raises(ConfigError, match="true for police, which rules tell live"):
        loaded(tmp_path, *changes)
