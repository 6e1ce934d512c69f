"""What a configuration is with the cameras of guests: each at its own point, for what its owner allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lianfang.config.camera import Camera, Zone
from lianfang.config.faults import Document, wrong_within
from lianfang.config.guests import Guest
from lianfang.config.model import Config
from lianfang.config.point import Point
from lianfang.config.stanza import Stanza
from lianfang.errors import ConfigProblem

VIEW = "view"
"""The zone of a guest's camera of which no rule names any."""
_WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def joined(config: Config, guests: Mapping[str, Guest]) -> Config:
    """Return ``config`` with the cameras of ``guests``, those whose owners share them now enabled.

    A guest's point has its camera's id: what is seen there is nobody else's, and its events have a key of
    their own in the log, whoever comes and goes. Where its pictures come from is known to ingest alone.
    """
    if not guests:
        return config
    points = {**config.points, **{name: _point(config, guest) for name, guest in guests.items()}}
    cameras = {**config.cameras, **{name: _camera(config, name, guest) for name, guest in guests.items()}}
    rules = dict(config.rules)
    for rule_id, rule in config.rules.items():
        allowed = tuple(name for name, guest in guests.items() if rule_id in guest.rules)
        if allowed:
            rules[rule_id] = rule.model_copy(update={"cameras": (*getattr(rule, "cameras", ()), *allowed)})
    cells = dict(config.grid_cells)
    for name, cell in config.grid_cells.items():
        near = (guest_id for guest_id, guest in guests.items() if guest.near in cell.points)
        cells[name] = cell.model_copy(update={"points": (*cell.points, *near)})
    changed = {"points": points, "cameras": cameras, "rules": rules, "grid_cells": cells}
    return config.model_copy(update=changed)


def unjoinable(document: Document, config: Config, guests: Mapping[str, Guest]) -> Iterator[ConfigProblem]:
    """Yield what is wrong with ``guests`` in the light of ``config``, the file."""
    if guests and config.guests is None:
        yield document.problem(("guests",), f"{len(guests)} cameras", "none: the file has no `guests`")
    for name, guest in guests.items():
        for problem in wrong_within(guest, config, ("guests", name)):
            yield document.problem(problem.key, problem.found, problem.allowed)


def _point(config: Config, guest: Guest) -> Point:
    near = config.points.get(guest.near or "")
    return near.model_copy(update={"name": guest.name}) if near else Point(name=guest.name)


def _camera(config: Config, name: str, guest: Guest) -> Camera:
    asked = config.guests
    assert asked is not None  # noqa: S101 - ``unjoinable`` has said so
    zones = [zone for rule in guest.rules for zone in getattr(config.rules[rule], "zones", ())]
    return Camera.model_validate(
        {
            "name": guest.name,
            "point": name,
            "source": Stanza(),
            "enabled": not guest.paused,
            "fps": asked.fps,
            "max_width": asked.max_width,
            "detectors": asked.detectors,
            "zones": dict.fromkeys(zones or [VIEW], Zone(polygon=_WHOLE)),
            "masks": guest.masks,
        }
    )
