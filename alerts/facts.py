"""What people, levels and the police put in force, as the store has it: facts with a time of their own. Pure.

Each picture is judged by what was in force when it was taken, whoever judges it, and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.dispositions import NO_DISPOSITIONS, Dispositions
from alerts.profiles import Switch
from lianfang.config.changes import Version


@dataclass(frozen=True, slots=True)
class Facts:
    """Switches of profiles and versions of the configuration, each oldest first, and what is looked for."""

    switches: tuple[Switch, ...] = ()
    versions: tuple[Version, ...] = ()
    dispositions: Dispositions = NO_DISPOSITIONS

    def version(self, at: datetime) -> Version | None:
        """Return the version in force at ``at``; None is the file as it is."""
        return next((version for version in reversed(self.versions) if version.since <= at), None)


NO_FACTS = Facts()
