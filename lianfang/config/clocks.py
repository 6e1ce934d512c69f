"""Whose clock is believed, and by how much a camera's may be off."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lianfang.config.stanza import Stanza


class Clocks(Stanza):
    """The clocks of cameras are measured and never used: pictures are stamped by the host's."""

    camera_limit_s: float = Field(default=2, ge=1, le=3600)
    """A camera's clock that is off by more is a fault of the camera, until it is off by no more than three
    quarters of it."""
    host: Literal["auto", "trusted"] = "auto"
    """auto: no camera is blamed while the system does not say that the host's clock is synchronised. trusted:
    it is right all the same, as where the host itself is what the site goes by."""
