"""What begins and ends only once it has been so for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether something is so, and since when what was counted has said the opposite."""

    on: bool = False
    otherwise_since: datetime | None = None

    def turned(self, *, otherwise: bool, at: datetime, for_s: float) -> Switch:
        """Return the switch after a look at ``at``: it turns once the opposite was said for ``for_s``."""
        if not otherwise:
            return Switch(self.on)
        since = self.otherwise_since or at
        if at - since < timedelta(seconds=for_s):
            return Switch(self.on, since)
        return Switch(not self.on)
