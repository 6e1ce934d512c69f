"""The life of a case: every way through it, and that there is no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.life import DEEDS, EVENTS, FINAL, OPEN, Action, Event, after, possible
from alerts.incidents.model import State

STEPS = st.lists(st.one_of(st.sampled_from(Event), st.sampled_from(Action)), max_size=30)
LATER = (State.NEW, State.RECORDED)  # in which a case begins


def may(
    state: State, *, confirmed: bool = True, assigned: bool = True, due: bool = False
) -> tuple[Action, ...]:
    return possible(state, confirmed=confirmed, assigned=assigned, due=due)


def step(state: State, what: Event | Action) -> State:
    """Return what follows; an action that is not possible changes nothing."""
    if isinstance(what, Event):
        return after(what, state)
    return DEEDS[what].leads.get(state, state)


@given(STEPS)
def test_no_path_leads_out_of_the_machine_nor_out_of_its_end(path: list[Event | Action]) -> None:
    state = State.NEW
    for what in path:
        before, state = state, step(state, what)
        assert state in State
        assert before not in FINAL or state == before
        assert state is not State.RECORDED


def test_every_state_is_reached() -> None:
    reached, edge = set(LATER), set(LATER)
    while edge:
        edge = {step(state, what) for state in edge for what in (*Event, *Action)} - reached
        reached |= edge
    assert reached == set(State)


@pytest.mark.parametrize("state", [*FINAL, State.RECORDED])
def test_what_is_over_is_over(state: State) -> None:
    assert may(state, confirmed=False, assigned=True) == ()
    assert {after(event, state) for event in Event} == {state}


@pytest.mark.parametrize("state", sorted(set(State) - {*FINAL, State.RECORDED}))
def test_from_everywhere_it_can_be_ended(state: State) -> None:
    seen, edge = {state}, {state}
    while edge:
        edge = {
            DEEDS[action].leads[at] for at in edge for action in may(at, confirmed=True, assigned=True)
        } - seen
        seen |= edge
    assert seen >= set(FINAL)


def test_the_world_moves_only_what_nobody_has_taken() -> None:
    taken = {State.ACKNOWLEDGED, State.DISPATCHED, State.HANDLED}
    assert not any(taken & leads.keys() for leads in EVENTS.values())


def test_a_speaker_that_helps_alarms_nobody() -> None:
    state = after(Event.SPOKEN_TO, State.NEW)
    assert state is State.BROADCASTING
    assert after(Event.LEFT, state) is State.CLEARED
    assert State.CLEARED not in OPEN
    assert after(Event.RETURNED, State.CLEARED) is State.BROADCASTING


@pytest.mark.parametrize(("event", "leads_to"), [(Event.STAYED, State.ESCALATED), (Event.UNHEARD, State.NEW)])
def test_a_speaker_that_does_not_help_does(event: Event, leads_to: State) -> None:
    assert after(event, State.BROADCASTING) is leads_to


def test_what_was_escalated_waits_for_a_person_though_they_left() -> None:
    assert after(Event.LEFT, State.ESCALATED) is State.ESCALATED
    assert after(Event.LEFT, State.NEW) is State.NEW


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("acknowledge dispatch handle close", State.CLOSED),
        ("confirm dispatch handle close", State.CLOSED),
        ("dispatch handle reopen handle close", State.CLOSED),
        ("assign unassign false-alarm", State.FALSE_ALARM),
        ("acknowledge permit", State.PERMITTED),
        ("dispatch unassign close", State.CLOSED),
        ("dispatch confirm handle", State.HANDLED),
    ],
)
def test_ways_through_it(path: str, end: State) -> None:
    state = State.ESCALATED
    for name in path.split():
        assert Action(name) in may(state, confirmed=False, assigned=True), name
        state = DEEDS[Action(name)].leads[state]
    assert state is end


def test_who_was_sent_must_say_what_came_of_it() -> None:
    assert Action.CLOSE not in may(State.DISPATCHED, confirmed=True, assigned=True)
    assert Action.HANDLE in may(State.DISPATCHED, confirmed=True, assigned=True)


def test_confirmed_once_and_taken_away_only_from_somebody() -> None:
    assert Action.CONFIRM not in may(State.ACKNOWLEDGED, confirmed=True, assigned=False)
    assert Action.UNASSIGN not in may(State.ACKNOWLEDGED, confirmed=True, assigned=False)


def test_a_tier_is_pressed_only_where_one_waits() -> None:
    assert Action.FORWARD not in may(State.ESCALATED)
    assert Action.FORWARD in may(State.ESCALATED, due=True)
