"""How long, how near and how small is remarkable at the water."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lianfang.config import Stanza


class Settings(Stanza):
    """What counts as what. Every time is camera time, whatever the pictures per second."""

    still_s: float = Field(default=10.0, ge=2, le=600)
    """Whoever has not moved in the water for so long is still."""
    alone_s: float = Field(default=15.0, ge=1, le=3600)
    """Whoever has had nobody near for so long is alone."""
    alone_heights: float = Field(default=5.0, ge=0.5, le=50)
    """Near is up to so many heights of a grown-up."""
    child_below: float = Field(default=0.75, ge=0.4, le=0.95)
    """Smaller people, as a share of a grown-up's height at the same place, are of a child's size."""
    vanish_s: float = Field(default=8.0, ge=2, le=120)
    """Whoever was seen in the water last, and then not for so long, has vanished."""
    vanished_for_s: float = Field(default=60.0, ge=5, le=600)
    """So long it is said that somebody vanished, ever less confidently; then it is forgotten."""
    reappear_heights: float = Field(default=3.0, ge=0.5, le=20)
    """Whoever turns up within so many heights of that place is who vanished."""
    max_gap_s: float = Field(default=5.0, ge=1, le=60)
    """After a longer time without pictures nobody vanished, and no time counts as seen."""
    people: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """Labels that are people."""
