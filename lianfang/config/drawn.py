"""Heights that are drawn on a camera's picture, so that sizes on it mean something."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lianfang.config.stanza import Stanza

Coordinate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MIN_REFERENCE_GAP = 0.05  # of the picture's height, between two feet: closer ones say nothing of the distance


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
