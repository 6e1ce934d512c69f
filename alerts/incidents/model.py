"""The words of an incident's life."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an incident stands. Whether somebody is still there is ``occupied``, beside it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    CLOSED = "closed"
    RECORDED = "recorded"  # from the beginning: nobody has to do anything


class ChangeKind(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    RAISED = "raised"  # more people than ever before in this incident
    CLEARED = "cleared"  # the place was seen empty
    RETURNED = "returned"  # somebody was there again before it closed
    REPEATED = "repeated"  # they were still there, and were spoken to again
    SPOKEN = "spoken"  # they were still there, and what could not be said at first was said
    UNSAID = "unsaid"  # it was time to speak, and it was not possible
    MUTED = "muted"  # from now on nobody hears of it
    HEARD = "heard"  # somebody is there, and nothing mutes it any more
    ESCALATED = "escalated"  # speaking does not help, or nobody sees whether it does
    UNSEEN = "unseen"  # no fresh observation: unknown, never "cleared"
    SEEN = "seen"  # somebody is seen there again after that
    EVIDENCE = "evidence"  # pictures kept, or missing
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    STOPPED = "stopped"  # a speech was broken off: by an operator, because they left, for a more urgent one
    CALLED = "called"  # an operator said something there
    HUSHED = "hushed"  # an operator wants nothing more said
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    CLOSED = "closed"
    ENDED = "ended"  # empty for so long that the next sighting is a new incident


# A person may do to an incident in this state …
ALLOWED: dict[State, frozenset[ChangeKind]] = {
    State.OPEN: frozenset(
        {ChangeKind.ACKNOWLEDGED, ChangeKind.CONFIRMED, ChangeKind.FALSE_ALARM, ChangeKind.CLOSED}
    ),
    State.ACKNOWLEDGED: frozenset({ChangeKind.CONFIRMED, ChangeKind.FALSE_ALARM, ChangeKind.CLOSED}),
    State.CONFIRMED: frozenset({ChangeKind.FALSE_ALARM, ChangeKind.CLOSED}),
    State.FALSE_ALARM: frozenset(),
    State.CLOSED: frozenset(),
    State.RECORDED: frozenset(),
}
AFTER: dict[ChangeKind, State] = {
    ChangeKind.ACKNOWLEDGED: State.ACKNOWLEDGED,
    ChangeKind.CONFIRMED: State.CONFIRMED,
    ChangeKind.FALSE_ALARM: State.FALSE_ALARM,
    ChangeKind.CLOSED: State.CLOSED,
}
