"""What of a camera's view is watched."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lianfang.config.stanza import Stanza

ViewFault = Literal["covered", "turned", "frozen"]


class Health(Stanza):
    """Which faults of the view are looked for, and for how long it must be wrong, by the pictures' times."""

    watch: tuple[ViewFault, ...] = ("covered", "turned", "frozen")
    """Faults that are looked for. A camera that is moved by remote control turns for a living: without
    ``turned``; an empty list where none is to be looked for."""
    covered_s: float = Field(default=10.0, ge=1, le=3600)
    """A picture with almost no detail for so long is that of a covered camera."""
    turned_s: float = Field(default=10.0, ge=1, le=3600)
    """Another view for so long is that of a camera that was turned, moved, or half covered."""
    frozen_s: float = Field(default=30.0, ge=1, le=3600)
    """The same picture to the last bit for so long is that of a frozen camera."""
    adopt_s: float = Field(default=3600.0, ge=60, le=604800)
    """Another view for so long is the new usual one."""
