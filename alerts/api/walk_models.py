"""What the API says of walk tests and of how speakers are heard, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
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
