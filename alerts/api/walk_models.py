"""What the API says of walk tests and of how speakers are heard, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
from alerts.map.covering import Hearing, Sight
from alerts.walks import Light, Verdict

Metres = Annotated[float, Field(ge=0, le=2000)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Heard = Literal["clearly", "hardly", "not"]


class StartWalk(BaseModel):
    """Somebody walks into a zone now, ``distance_m`` from its camera.

    ``accuracy_m`` where a phone measured that. ``light`` by the sun if not given. ``limit_s``: it ends by
    itself.
    """

    model_config = ConfigDict(extra="forbid")

    camera: str
    zone: str
    distance_m: Metres
    accuracy_m: Annotated[float | None, Field(ge=0, le=10_000)] = None
    light: Light | None = None
    limit_s: Annotated[int, Field(ge=20, le=600)] = 180
    note: Note = ""


class FinishWalk(BaseModel):
    """The test is over; without ``counts`` it was broken off, and says nothing of the zone."""

    model_config = ConfigDict(extra="forbid")

    counts: bool = True


class WalkTest(Answer):
    """A walk test: what was tried, and what the system saw.

    ``seen`` of ``pictures`` had somebody in the zone, ``most`` at a time; more than one and nobody knows
    whose figures they are. Heights are pixels of the pictures that detectors looked at: on average, and in
    the last one. Seconds count from the start: until they were first seen in the zone, and until a rule
    counted them; ``held`` says why that would have raised nothing. ``quiet_until``: whoever tried has left
    the zone by then, for from then on what is seen there is told. ``rules`` look at the zone now.
    """

    id: str
    camera: Named
    point: Named
    zone: Named
    by_name: str
    distance_m: float
    accuracy_m: float | None
    light: Light
    note: str
    started_at: AwareDatetime
    until: AwareDatetime
    ended_at: AwareDatetime | None
    quiet_until: AwareDatetime
    verdict: Verdict
    pictures: int
    seen: int
    most: int
    height_px: int | None
    last_height_px: int | None
    last_seen_at: AwareDatetime | None
    confidence: float
    seen_s: float | None
    alert_s: float | None
    rule: NamedInBoth | None
    held: str
    rules: list[NamedInBoth]


class SayHeard(BaseModel):
    """How a speaker was heard ``distance_m`` from it, by somebody who stood there, perhaps in a zone.

    ``volume_pct`` is how loud it was asked to be, where that is known.
    """

    model_config = ConfigDict(extra="forbid")

    speaker: str
    distance_m: Metres
    heard: Heard
    volume_pct: Annotated[int | None, Field(ge=0, le=100)] = None
    camera: str = ""
    zone: str = ""
    call: Annotated[str, StringConstraints(max_length=36)] = ""
    note: Note = ""


class AudibilityTest(Answer):
    """What somebody said of how a speaker was heard; ``hour`` is that of the community's day."""

    speaker: NamedInBoth
    camera: Named | None
    zone: Named | None
    distance_m: float
    heard: Heard
    volume_pct: int | None
    note: str
    by_name: str
    at: AwareDatetime
    hour: int


class CoveredZone(Answer):
    """Whether a camera sees a zone, and a speaker is heard there; without a camera it is a point alone.

    ``walked_at`` and ``distance_m`` are of the walk test that says so.
    """

    point: Named
    camera: Named | None
    zone: Named | None
    sight: Sight
    hearing: Hearing
    walked_at: AwareDatetime | None
    distance_m: float | None


class Coverage(Answer):
    """Every zone, and the points without a camera. A walk test counts for so many ``months``."""

    months: int
    zones: list[CoveredZone]
