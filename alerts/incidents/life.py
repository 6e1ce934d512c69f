"""The life of a case: what may happen in each state, who may do it, and which state follows. Pure.

::

    new ─► broadcasting ─► cleared
     │          │
     │          ▼
     │      escalated
     ▼          ▼
    acknowledged ─► dispatched ─► handled ─► closed
    and from every state that is not final: ─► false_alarm, ─► permitted

What the world does moves a case only until a person has taken it; from then on it belongs to people. No
action leads out of a final state: whoever comes after that is another case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from alerts.incidents.model import ChangeKind, State


class Action(StrEnum):
    """What a person can do to an incident; the values are the API's."""

    ACKNOWLEDGE = "acknowledge"
    CONFIRM = "confirm"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    DISPATCH = "dispatch"
    HANDLE = "handle"
    REOPEN = "reopen"
    CLOSE = "close"
    FALSE_ALARM = "false-alarm"
    PERMIT = "permit"
    FORWARD = "forward"


class Event(StrEnum):
    """What the world does to an incident."""

    SPOKEN_TO = "spoken_to"  # a speaker talks to them, and that is enough for now
    UNHEARD = "unheard"  # nothing could be said, or no speaker said it
    LEFT = "left"
    RETURNED = "returned"
    STAYED = "stayed"  # speaking does not help, or nobody sees whether it does
    OVER = "over"  # of a rule that closes its incidents itself


Needs = Literal["", "a note", "an assignee"]


@dataclass(frozen=True)
class Deed:
    """What an action is: its change, the state that follows each state in which it may be done.

    ``needs`` is what must be said with it. Operators may do everything; with ``by_assignee`` whoever it is
    assigned to may do it as well.
    """

    kind: ChangeKind
    leads: Mapping[State, State]
    needs: Needs = ""
    by_assignee: bool = False


def _to(state: State, *from_states: State) -> dict[State, State]:
    return dict.fromkeys(from_states, state)


def _stays(*states: State) -> dict[State, State]:
    return {state: state for state in states}


UNTAKEN = (State.NEW, State.BROADCASTING, State.CLEARED, State.ESCALATED)
TAKEN = (State.ACKNOWLEDGED, State.DISPATCHED, State.HANDLED)
FINAL = (State.CLOSED, State.FALSE_ALARM, State.PERMITTED)
ALARMING = (State.NEW, State.ESCALATED)
"""Somebody must answer now."""
OPEN = (*ALARMING, State.BROADCASTING, *TAKEN)
"""People still have to do with it, or may soon."""

_LIVE = (*UNTAKEN, *TAKEN)

DEEDS: Mapping[Action, Deed] = {
    Action.ACKNOWLEDGE: Deed(ChangeKind.ACKNOWLEDGED, _to(State.ACKNOWLEDGED, *UNTAKEN), by_assignee=True),
    Action.CONFIRM: Deed(ChangeKind.CONFIRMED, _to(State.ACKNOWLEDGED, *UNTAKEN) | _stays(*TAKEN)),
    Action.ASSIGN: Deed(
        ChangeKind.ASSIGNED,
        _to(State.ACKNOWLEDGED, *UNTAKEN) | _stays(State.ACKNOWLEDGED, State.DISPATCHED),
        needs="an assignee",
    ),
    Action.UNASSIGN: Deed(
        ChangeKind.UNASSIGNED, _to(State.ACKNOWLEDGED, State.ACKNOWLEDGED, State.DISPATCHED)
    ),
    Action.DISPATCH: Deed(
        ChangeKind.DISPATCHED, _to(State.DISPATCHED, *UNTAKEN, State.ACKNOWLEDGED), needs="an assignee"
    ),
    Action.HANDLE: Deed(
        ChangeKind.HANDLED,
        _to(State.HANDLED, State.ACKNOWLEDGED, State.DISPATCHED),
        needs="a note",
        by_assignee=True,
    ),
    Action.REOPEN: Deed(ChangeKind.REOPENED, _to(State.ACKNOWLEDGED, State.HANDLED), needs="a note"),
    # Whoever was sent must say what came of it first.
    Action.CLOSE: Deed(ChangeKind.CLOSED, _to(State.CLOSED, *UNTAKEN, State.ACKNOWLEDGED, State.HANDLED)),
    Action.FALSE_ALARM: Deed(ChangeKind.FALSE_ALARM, _to(State.FALSE_ALARM, *_LIVE)),
    Action.PERMIT: Deed(ChangeKind.PERMITTED, _to(State.PERMITTED, *_LIVE), needs="a note"),
    Action.FORWARD: Deed(
        ChangeKind.FORWARDED,
        _to(State.ACKNOWLEDGED, *ALARMING) | _stays(State.ACKNOWLEDGED, State.DISPATCHED),
    ),
}

EVENTS: Mapping[Event, Mapping[State, State]] = {
    Event.SPOKEN_TO: _to(State.BROADCASTING, State.NEW),
    Event.UNHEARD: _to(State.NEW, State.BROADCASTING),
    Event.LEFT: _to(State.CLEARED, State.BROADCASTING),
    Event.RETURNED: _to(State.BROADCASTING, State.CLEARED),
    Event.STAYED: _to(State.ESCALATED, State.NEW, State.BROADCASTING, State.CLEARED),
    Event.OVER: _to(State.CLOSED, *UNTAKEN),
}


def after(event: Event, state: State) -> State:
    """Return the state that follows when the world does ``event``; the same one where that changes none."""
    return EVENTS[event].get(state, state)


def possible(state: State, *, confirmed: bool, assigned: bool, due: bool) -> tuple[Action, ...]:
    """Return what may be done now, in the order of ``Action``: confirmed is a case only once.

    ``due`` says that a tier waits for somebody to press it, or is still ahead.
    """
    return tuple(
        action
        for action, deed in DEEDS.items()
        if state in deed.leads
        and not (action is Action.CONFIRM and confirmed)
        and not (action is Action.UNASSIGN and not assigned)
        and not (action is Action.FORWARD and not due)
    )
