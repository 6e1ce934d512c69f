"""What gates and mutes are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.rules.base import RuleSettings
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Said, Suppression
from alerts.suppression.spots import Spot
from lianfang.almanac import Almanac


@dataclass(frozen=True, slots=True)
class Case:
    """A rule at a place, looked at by a camera at ``at``; it is ``active`` where its schedule applies.

    ``spots`` are those that were dismissed for this rule on this camera, each with what is known of it.
    ``back_at`` is when the camera was back after it was lost for a while, ``late`` if ``at`` is long ago,
    ``alarms`` how many the camera has raised by the rule lately,
    ``inhibitor`` the id of an incident that holds this back.
    """

    rule: str
    settings: RuleSettings
    place: str
    point: str
    camera: str
    at: datetime
    almanac: Almanac
    said: Said
    active: bool = True
    spots: tuple[tuple[Suppression, Spot], ...] = ()
    back_at: datetime | None = None
    late: bool = False
    alarms: int = 0
    inhibitor: str = ""

    def is_about(self, word: Suppression) -> bool:
        """Say whether a word is about this rule and this place, whichever camera looks.

        One that names no rule is not about rules on whose word somebody may drown.
        """
        rule = self.rule in word.rules if word.rules else not self.settings.life_safety
        return rule and word.point in ("", self.point) and word.place in ("", self.place)


@dataclass(frozen=True, slots=True)
class Held:
    """Why something is held back, and by which word of a person ("" for none).

    With ``task`` what remains once it is over is a matter of tidying up.
    """

    reason: Reason
    by: str = ""
    task: bool = False
