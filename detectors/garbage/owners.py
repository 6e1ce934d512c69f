"""Who stays with a thing. Pure; in seconds of camera time and pixels at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]

REACH = 0.6  # of a person's height: whoever is nearer to a thing is with it
HANDOVER_S = 2.0  # a track that begins beside the thing so soon after the owner's ended is the owner


@dataclass(frozen=True)
class Person:
    """Somebody in the picture; ``newcomer`` where the track began within HANDOVER_S."""

    track_id: str | None
    box: Box
    newcomer: bool

    def is_at(self, box: Box) -> bool:
        """Say whether ``box`` is within reach."""
        x_min, y_min, x_max, y_max = self.box
        reach = REACH * (y_max - y_min)
        return (
            box[0] < x_max + reach
            and x_min - reach < box[2]
            and box[1] < y_max + reach
            and y_min - reach < box[3]
        )


@dataclass
class Attendance:
    """The owners of one thing: who was within reach when it came, and who took over from them.

    Passers-by are not owners: in a busy street nothing would ever be left. ``at_s`` is when an owner was last
    with it, or when it came where nobody was.
    """

    at_s: float
    owners: set[str] = field(default_factory=set)

    def came(self, box: Box, people: Iterable[Person], at_s: float) -> None:
        """Take whoever is within reach of the thing, as it comes, for an owner."""
        for person in people:
            if person.is_at(box):
                self.at_s = max(self.at_s, at_s)
                self.owners.update([person.track_id] if person.track_id else [])

    def see(self, box: Box, people: Iterable[Person], at_s: float) -> None:
        """Note who is within reach of the thing now."""
        taken_over = at_s - self.at_s <= HANDOVER_S
        for person in people:
            known = person.track_id in self.owners
            unknown = person.track_id is None or person.newcomer
            if person.is_at(box) and (known or (unknown and taken_over)):
                self.came(box, [person], at_s)

    def gone_s(self, at_s: float) -> float:
        """Return for how many seconds no owner has been with the thing."""
        return at_s - self.at_s
