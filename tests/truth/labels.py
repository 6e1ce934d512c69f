"""Read hand-made zone labels and answer what they say: who is inside when, how many incidents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

VTEST_ZONE = Path(__file__).with_name("vtest_zone.yaml")

Interval = tuple[float, float]


@dataclass(frozen=True)
class Span:
    """A stretch of time, ``from_s <= t < to_s``, in seconds since the clip's first frame."""

    from_s: float
    to_s: float


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Clip(_Strict):
    """The footage and the part of it that is labelled."""

    name: str
    origin: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    fps: float = Field(gt=0)
    from_s: float = Field(ge=0)
    to_s: float


class Zone(_Strict):
    """``polygon`` is (x, y) in 0-1 of the picture; inside is decided by ``anchor`` of a person's box."""

    name: str
    anchor: str
    polygon: list[tuple[float, float]] = Field(min_length=3)


class Visit(_Strict):
    """One stay of one person. ``leave_s`` is the end of the labels where ``still_inside``."""

    person: int = Field(ge=1)
    enter_s: float
    leave_s: float
    still_inside: bool = False
    inset_px: float = Field(gt=0)
    note: str

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.leave_s <= self.enter_s:
            msg = f"person {self.person} leaves at {self.leave_s} s, not after entering at {self.enter_s} s"
            raise ValueError(msg)
        return self


class NearMiss(_Strict):
    """Somebody outside, but so close that a box may say inside; ``outset_px`` is the least distance."""

    from_s: float
    to_s: float
    outset_px: float = Field(gt=0)
    note: str


class Counted(_Strict):
    """Totals counted on the pictures, independent of the visits."""

    persons: int
    visits: int
    most_at_once: int


class Truth(_Strict):
    """A file of labels. Raises pydantic's ValidationError on a key or a value that it may not have."""

    clip: Clip
    labelled: str
    tolerance_s: float = Field(gt=0)
    zone: Zone
    visits: list[Visit]
    empty: list[Interval]
    counted: Counted
    near_misses: list[NearMiss]

    def inside(self, at_s: float) -> list[int]:
        """Person numbers inside at ``at_s``, ascending."""
        return sorted(v.person for v in self.visits if v.enter_s <= at_s < v.leave_s)

    def occupancies(self, closing_gap_s: float = 0.0) -> list[Span]:
        """The spans with somebody inside, where emptiness shorter than ``closing_gap_s`` does not end one.

        With the gap after which the system closes an incident, this is the list of true incidents.
        """
        spans: list[Span] = []
        for visit in sorted(self.visits, key=lambda v: v.enter_s):
            if spans and visit.enter_s - spans[-1].to_s <= closing_gap_s:
                spans[-1] = Span(spans[-1].from_s, max(spans[-1].to_s, visit.leave_s))
            else:
                spans.append(Span(visit.enter_s, visit.leave_s))
        return spans

    def near_change(self, at_s: float) -> bool:
        """Whether somebody enters or leaves within the tolerance of ``at_s``: a count may differ there."""
        changes = [v.enter_s for v in self.visits] + [v.leave_s for v in self.visits if not v.still_inside]
        return any(abs(at_s - change) <= self.tolerance_s for change in changes)


def load(path: Path = VTEST_ZONE) -> Truth:
    """Read labels from ``path``."""
    return Truth.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
