"""What counts as left behind."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lianfang.config import Stanza


class Settings(Stanza):
    """What counts as left behind. Every time is camera time, whatever the pictures per second."""

    still_s: float = Field(default=5.0, ge=3, le=3600)
    """A thing must have stood still for so long."""
    owner_gone_s: float = Field(default=3.0, ge=0, le=3600)
    """Whoever was beside it when it came must have been away for so long."""
    warm_up_s: float = Field(default=10.0, ge=4, le=3600)
    """After a start, a gap or a change of light the ground is learned so long, and nothing new reported."""
    max_gap_s: float = Field(default=30.0, ge=1, le=3600)
    """After a longer time without pictures the ground is learned anew."""
    forget_after_s: float = Field(default=86400.0, ge=60, le=604800)
    """A thing that stays longer belongs to the place."""
    min_side: float = Field(default=0.02, ge=0.01, le=0.5)
    """Longer side of the smallest thing, as a share of the picture's longer side."""
    max_side: float = Field(default=0.25, ge=0.02, le=1)
    """Longer side of the largest thing, as a share of the picture's longer side."""
    contrast: float = Field(default=25.0, ge=10, le=120)
    """Levels of 255 by which a thing differs from the ground behind it, in its strongest colour."""
    people: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """Labels that can own a thing; where they stand, nothing is looked for."""
    excluded: tuple[str, ...] = ("bicycle", "motorcycle", "car", "bus", "truck", "boat")
    """Labels that are no litter when they stand; given only if the object stage finds them."""
