"""Between a rule and its incidents: whom a gate holds opens none. Pure.

A gate makes members ``present``, who may keep an incident occupied but open none, or takes them out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alerts.rules.base import Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.reasons import Reason

Gate = Callable[[Case, Sighting], tuple[Sighting, Held | None]]


def active(case: Case, sighting: Sighting) -> tuple[Sighting, Held | None]:
    """Hold everybody while the rule's schedule does not apply."""
    schedule = case.settings.active
    if schedule is None or schedule.applies(case.at, case.zone):
        return sighting, None
    return all_present(sighting), Held(Reason.NOT_ACTIVE)


def all_present(sighting: Sighting) -> Sighting:
    """Return the sighting with nobody sure."""
    return replace(sighting, members=(), present=(*sighting.members, *sighting.present))


GATES: tuple[Gate, ...] = (active,)


def passed(case: Case, sighting: Sighting) -> tuple[Sighting, tuple[Held, ...]]:
    """Return what the gates leave of a sighting, and what held the others back."""
    held: list[Held] = []
    for gate in GATES:
        if not sighting.members:
            break
        sighting, by = gate(case, sighting)
        held += [by] if by else []
    return sighting, tuple(held)
