"""How many pictures of a camera are published, when, and which of them need not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from lianfang.config.schedule import Schedule
from lianfang.config.stanza import Problem, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config


class FpsHours(Stanza):
    """Hours in which a camera publishes more or fewer pictures than usual."""

    active: Schedule
    """When."""
    fps: float = Field(ge=0.2, le=30)
    """Pictures a second then."""


class Gate(Stanza):
    """While nothing moves, one picture a second is published; whatever moves is published at once."""

    hold_s: float = Field(default=5, ge=1, le=600)
    """So long after the last motion every picture is published."""
    min_change: float = Field(default=10, ge=2, le=100)
    """Grey levels (0-255) by which a hundredth of the picture's width and height must change to be motion."""


def needing_stillness(config: Config, camera_id: str) -> Iterator[str]:
    """Yield what of a camera needs pictures of a scene in which nothing moves, such as ``rule bank``."""
    for name in config.cameras[camera_id].detectors:
        if getattr(config.detectors.get(name), "needs_stillness", False):
            yield f"detector {name}"
    for name, rule in config.rules.items():
        if camera_id in getattr(rule, "cameras", ()) and getattr(rule, "needs_stillness", False):
            yield f"rule {name}"


def gated_wrongly(config: Config, camera_id: str) -> Iterable[Problem]:
    """Yield a problem where a camera has a gate and something of it needs to see that nothing moves."""
    if config.cameras[camera_id].gate is not None and (found := list(needing_stillness(config, camera_id))):
        allowed = f"none on camera {camera_id}: who does not move is what they look for"
        yield Problem(("gate",), f"a gate before {', '.join(found)}", allowed)
