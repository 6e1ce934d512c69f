"""What is drawn on a camera's picture: shapes, the part that is used, heights that say what sizes mean."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from shapely import Polygon
from shapely.validation import explain_validity

from lianfang.config.stanza import Stanza

Coordinate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MIN_REFERENCE_GAP = 0.05  # of the picture's height, between two feet: closer ones say nothing of the distance
MIN_CROP = 0.05  # of the source's width and height: less is a slip of the hand


def _simple(value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    polygon = Polygon(value)
    if not polygon.is_valid:
        raise ValueError(f"a polygon that does not cross itself ({explain_validity(polygon)})")
    if polygon.area == 0:
        raise ValueError("a polygon with an area")
    return value


Shape = Annotated[
    tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=3, max_length=64), AfterValidator(_simple)
]
"""Corners (x, y) of a polygon, 0-1 of width and height from the top left, in order, not closed."""


class Crop(Stanza):
    """A part of the picture that the source gives."""

    x_min: Coordinate = 0
    """Left edge, 0-1 of the source's width."""
    y_min: Coordinate = 0
    """Upper edge, 0-1 of its height from the top."""
    x_max: Coordinate = 1
    """Right edge."""
    y_max: Coordinate = 1
    """Lower edge."""

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if self.x_max - self.x_min < MIN_CROP:
            raise ValueError(f"an x_max that is {MIN_CROP} or more above x_min")
        if self.y_max - self.y_min < MIN_CROP:
            raise ValueError(f"a y_max that is {MIN_CROP} or more above y_min")
        return self


class ReferenceHeight(Stanza):
    """An upright height drawn on a camera's picture: a person, a door or a post that stands on the ground."""

    foot: tuple[Coordinate, Coordinate]
    """Where it stands: (x, y), 0-1 from the top left."""
    head_y: Coordinate
    """Where it ends above: y, 0-1 from the top."""
    height_m: float = Field(default=1.7, gt=0, le=20)
    """Its true height in metres; a grown-up's where not given."""

    @model_validator(mode="after")
    def _upright(self) -> Self:
        if self.head_y >= self.foot[1]:
            raise ValueError("a head_y above the foot: less than the foot's y")
        return self

    @property
    def per_metre(self) -> float:
        """The share of the picture's height that one metre takes up at its foot."""
        return (self.foot[1] - self.head_y) / self.height_m


def _at_two_distances(value: tuple[ReferenceHeight, ...]) -> tuple[ReferenceHeight, ...]:
    if not value:
        return value
    if len(value) != 2:
        raise ValueError("two heights, or none")
    far, near = sorted(value, key=lambda one: one.foot[1])
    if near.foot[1] - far.foot[1] < MIN_REFERENCE_GAP:
        raise ValueError(f"two feet whose y are {MIN_REFERENCE_GAP} or more apart: one near, one far")
    if near.per_metre < far.per_metre:
        raise ValueError("a metre that is no smaller at the lower foot, which is the nearer one")
    return value


ReferenceHeights = Annotated[tuple[ReferenceHeight, ...], AfterValidator(_at_two_distances)]
"""Two of them at different distances, or none."""
