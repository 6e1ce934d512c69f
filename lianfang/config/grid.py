"""Who works outside: the cells of the community's grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from lianfang.config.point import Contact
from lianfang.config.stanza import Id, Problem, Stanza, one_of

if TYPE_CHECKING:
    from lianfang.config.model import Config


class GridCell(Stanza):
    """A cell of the community's grid: whoever walks there can be sent to see."""

    name: str = Field(min_length=1, max_length=100)
    """As it is called on the console."""
    points: tuple[Id, ...] = ()
    """Monitoring points in it; a point lies in one cell at most."""
    contact: Contact | None = None
    """Whom to telephone."""
    receiver: Id | None = None
    """A receiver of notices that tells its workers what is assigned to the cell; nobody where not given."""
    workers: tuple[Id, ...] = ()
    """Operators who work there: what is assigned to the cell is theirs."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield references that lead nowhere, and points that lie in two cells."""
        others = [cell for cell in config.grid_cells.values() if cell is not self]
        for i, point in enumerate(self.points):
            if point not in config.points:
                yield Problem(("points", i), repr(point), one_of(config.points))
            elif any(point in other.points for other in others):
                yield Problem(("points", i), repr(point), "a point that lies in no other cell")
        for i, worker in enumerate(self.workers):
            if worker not in config.api.operators:
                yield Problem(("workers", i), repr(worker), one_of(config.api.operators))
        notices = config.receivers_of("notice")
        if self.receiver is not None and self.receiver not in notices:
            yield Problem(("receiver",), repr(self.receiver), one_of(notices))
