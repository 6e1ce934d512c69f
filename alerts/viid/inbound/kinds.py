"""What platforms can keep with us: one line for each kind of object."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.viid.inbound.dispositions import Dispositions
from alerts.viid.inbound.intake import Intake, Surroundings
from alerts.viid.inbound.subscribes import Subscribes


def intakes(surroundings: Surroundings) -> Sequence[Intake]:
    """Return the intakes for one platform."""
    return Dispositions(surroundings), Subscribes(surroundings)
