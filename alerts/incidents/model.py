"""The words of an incident's life; which follows which stands in ``alerts.incidents.life``."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an incident stands. Whether somebody is still there is ``occupied``, beside it."""

    NEW = "new"  # nobody has answered, and somebody must
    BROADCASTING = "broadcasting"  # a speaker talks to them: nobody is alarmed yet
    CLEARED = "cleared"  # they left when they were spoken to: nobody needs to do anything
    ESCALATED = "escalated"  # speaking does not help, or nobody sees whether it does
    ACKNOWLEDGED = "acknowledged"  # an operator has it
    DISPATCHED = "dispatched"  # somebody is on the way
    HANDLED = "handled"  # somebody says what came of it: to be reviewed
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"  # it was not so
    PERMITTED = "permitted"  # it was so, and is allowed: not an error of the detectors
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
    CLIP = "clip"  # the clip kept, or missing
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    STOPPED = "stopped"  # a speech was broken off: by an operator, because they left, for a more urgent one
    CALLED = "called"  # an operator said something there
    HUSHED = "hushed"  # an operator wants nothing more said
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"  # a person has looked: it is so. A fact beside the state
    ASSIGNED = "assigned"  # to a person, or to a cell of the grid
    UNASSIGNED = "unassigned"
    DISPATCHED = "dispatched"
    HANDLED = "handled"
    PHOTOGRAPHED = "photographed"  # whoever deals with it shows what they saw there
    REOPENED = "reopened"  # the review was not content
    FALSE_ALARM = "false_alarm"
    PERMITTED = "permitted"
    CLOSED = "closed"
    OVERDUE = "overdue"  # nobody did in time what the state asks for
    TIER_DUE = "tier_due"  # an operator must press before the next tier hears of it
    RUNG = "rung"  # nobody answered: the next person is called
    FORWARDED = "forwarded"  # the next tier hears of it
    RECEIPT = "receipt"  # a receiver says what it makes of it
    EXPORT_ASKED = "export_asked"  # somebody wants to take it out, and says why
    EXPORT_APPROVED = "export_approved"  # a second person agrees
    EXPORT_REFUSED = "export_refused"
    EXPORT_ENDED = "export_ended"  # nobody approved it in time
    EXPORTED = "exported"  # it was taken out
    ENDED = "ended"  # empty for so long that the next sighting is a new incident
