"""Which cameras and sensors belong together: whoever decides about one decides about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianfang.config.camera import Camera
    from lianfang.config.model import Config


def places_of(config: Config, source: str) -> set[str]:
    """Return the places that a camera, a sensor or a speaker has to do with."""
    camera = config.cameras.get(source)
    return {config.point_of(source)} if camera is None else _places(camera)


def heard_at(config: Config, speaker: str) -> str | None:
    """Return the point at which a speaker stands: of the first zone that names it, None where none does."""
    for camera in config.cameras.values():
        if any(speaker in zone.speakers for zone in camera.zones.values()):
            return camera.point
    return None


def sources(config: Config) -> list[str]:
    """Return all whose events are in the log: cameras, sensors, and the speakers that rules are about."""
    asked = (getattr(rule, "sources", ()) for rule in config.rules.values())
    return sorted({*config.cameras, *config.sensors, *(source for some in asked for source in some)})


def log_keys(config: Config) -> dict[str, str]:
    """Return the key that each source's events have in the log.

    An incident is about a place, or about an uplink that is down. Sources that share one, directly or through
    others, or that a rule counts jointly, have one key, the first of their ids: their events lie in one
    partition, in one order, and one alert service reads them.
    """
    shared = {source: places_of(config, source) for source in sources(config)}
    for rule_id, rule in config.rules.items():
        for source in getattr(rule, "sources", ()) if getattr(rule, "counts_jointly", False) else ():
            shared[source].add(f"rule {rule_id}")
    return _joined(shared)


def _places(camera: Camera) -> set[str]:
    lost_together = {camera.uplink} if camera.uplink else set()
    return {camera.point, *(zone.place or camera.point for zone in camera.zones.values())} | lost_together


def _joined(places: Mapping[str, set[str]]) -> dict[str, str]:
    keys = {source: source for source in places}
    first: dict[str, str] = {}  # place → a source of it
    for source, its_places in places.items():
        for place in its_places:
            low, high = sorted((_root(keys, first.setdefault(place, source)), _root(keys, source)))
            keys[high] = low
    return {source: _root(keys, source) for source in places}


def _root(keys: Mapping[str, str], source: str) -> str:
    while keys[source] != source:
        source = keys[source]
    return source
