"""Profiles: what is different in the flood season, at a festival, when dragon boats race.

A profile is what it changes of the rules and of the zones and lines of cameras. What results is a
configuration like any other, and is checked as one. Exactly one is in force at a time; ``everyday`` is the
configuration as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lianfang.config.schedule import Schedule, Window
from lianfang.config.stanza import Id, Key, Problem, Stanza, Text

if TYPE_CHECKING:
    from lianfang.config.model import Config

EVERYDAY = "everyday"
NEVER = Schedule(windows=(Window(),), outside=True)
Changes = dict[str, Any]
S = TypeVar("S", bound=Stanza)


class Level(Stanza):
    """A reading that puts a profile in force, such as the water's level at a gauge."""

    sensor: Id
    """A sensor."""
    above: float
    """From this value on, in the sensor's unit, the profile is in force …"""
    until: float
    """… until a reading below this one: a level that swings about a mark does not switch to and fro."""

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.until >= self.above:
            raise ValueError("an 'until' below 'above'")
        return self


class CameraChanges(Stanza):
    """What a profile changes of a camera."""

    zones: dict[Id, Changes] = Field(default_factory=dict)
    """Keys of its zones, such as polygon."""
    lines: dict[Id, Changes] = Field(default_factory=dict)
    """Keys of its lines."""


class Profile(Stanza):
    """Another state of the community. Without ``active`` and ``level`` only an operator's key switches it."""

    name: Text
    """As it is called on the console."""
    priority: int = Field(ge=1, le=1000)
    """Of several that apply the highest is in force; an operator's key goes before all."""
    active: Schedule | None = None
    """When it is in force: some days of the year, kinds of days of the calendars."""
    level: Level | None = None
    """A reading that puts it in force as well."""
    muted: tuple[Id, ...] = ()
    """Rules that open nothing and say nothing meanwhile; what they count goes on."""
    rules: dict[Id, Changes] = Field(default_factory=dict)
    """Keys of rules that have other values: severity, speech, enabled, dwell_s …"""
    cameras: dict[Id, CameraChanges] = Field(default_factory=dict)
    """Zones and lines that are drawn otherwise."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield what it names and nobody knows, and what it must not do; warn of what may cost a life."""
        yield from self._strangers(config)
        me = next((name for name, profile in config.profiles.items() if profile is self), "")
        if me == EVERYDAY:
            yield Problem((), repr(me), "another id: this is the configuration itself")
        for name, profile in config.profiles.items():
            if profile is not self and profile.priority == self.priority and name < me:
                yield Problem(("priority",), str(self.priority), f"one of its own: {name} has it")
        if self.active is not None and self.active.needs_position:
            yield Problem(("active",), "sunrise or sunset", "times of day: a profile is for all places")
        if self.level is not None and self.level.sensor not in config.sensors:
            allowed = ", ".join(sorted(config.sensors)) or "nothing: none is configured"
            yield Problem(("level", "sensor"), repr(self.level.sensor), f"one of {allowed}")
        for i, rule_id in enumerate(self.muted):
            if getattr(config.rules.get(rule_id), "life_safety", False):
                found = f"{rule_id}, which saves lives"
                yield Problem(("muted", i), found, "a rule that does not, unless it is meant", warning=True)
        for camera_id, zone_id in self._redrawn():
            camera = config.cameras.get(camera_id)
            zone = camera.zones.get(zone_id) if camera else None
            if zone is not None and zone.kind is not None:
                found = f"another polygon for a zone of kind {zone.kind}"
                allowed = "no change: detectors go by the everyday one"
                yield Problem(("cameras", camera_id, "zones", zone_id), found, allowed, warning=True)

    def _redrawn(self) -> Iterator[tuple[str, str]]:
        for camera_id, changes in self.cameras.items():
            for zone_id, zone in changes.zones.items():
                if "polygon" in zone:
                    yield camera_id, zone_id

    def _strangers(self, config: Config) -> Iterator[Problem]:
        named: list[tuple[Key, str, Iterable[str]]] = [
            *((("muted", i), rule, config.rules) for i, rule in enumerate(self.muted)),
            *((("rules", rule), rule, config.rules) for rule in self.rules),
            *((("cameras", camera), camera, config.cameras) for camera in self.cameras),
        ]
        for camera_id in self.cameras.keys() & config.cameras.keys():
            camera, changes = config.cameras[camera_id], self.cameras[camera_id]
            named += [(("cameras", camera_id, "zones", z), z, camera.zones) for z in changes.zones]
            named += [(("cameras", camera_id, "lines", n), n, camera.lines) for n in changes.lines]
        for key, name, known in named:
            if name not in known:
                yield Problem(key, repr(name), f"one of {', '.join(sorted(known)) or 'none: there is none'}")


def in_profile(config: Config, name: str) -> Config:
    """Return the configuration that is in force under a profile that was checked.

    Incidents go on in every profile: so what only some of them have is muted in the others, not gone.
    """
    resulting, wrong = resolved(config, name)
    if wrong:
        raise ValueError(f"profiles.{name}: {wrong[0]}")
    return resulting


def resolved(config: Config, name: str) -> tuple[Config, list[tuple[Key, ErrorDetails]]]:
    """Return the configuration under a profile, and what of the changes is no value of its key."""
    wrong: list[tuple[Key, ErrorDetails]] = []
    profile = config.profiles[name] if name != EVERYDAY else None
    rules, cameras = dict(config.rules), dict(config.cameras)
    for rule_id, changes in profile.rules.items() if profile else ():
        rules[rule_id] = _changed(rules[rule_id], changes, ("rules", rule_id), wrong)
    for camera_id, change in profile.cameras.items() if profile else ():
        camera = cameras[camera_id]
        zones, lines = dict(camera.zones), dict(camera.lines)
        for zone, changes in change.zones.items():
            zones[zone] = _changed(zones[zone], changes, ("cameras", camera_id, "zones", zone), wrong)
        for line, changes in change.lines.items():
            lines[line] = _changed(lines[line], changes, ("cameras", camera_id, "lines", line), wrong)
        cameras[camera_id] = camera.model_copy(update={"zones": zones, "lines": lines})
    for rule_id in {*(profile.muted if profile else ()), *_sometimes(config, rules)}:
        silent = {"active": NEVER, "speech": None, "enabled": True}
        rules[rule_id] = rules[rule_id].model_copy(update=silent)
    return config.model_copy(update={"rules": rules, "cameras": cameras, "profiles": {}}), wrong


def _sometimes(config: Config, rules: Mapping[str, Stanza]) -> Iterator[str]:
    """Yield the rules that are off in ``rules`` and on in some profile, or in none."""
    for rule_id, rule in rules.items():
        on = getattr(config.rules[rule_id], "enabled", True)
        changed = (p.rules.get(rule_id, {}).get("enabled", on) for p in config.profiles.values())
        if not getattr(rule, "enabled", True) and (on or any(changed)):
            yield rule_id


def _changed(stanza: S, changes: Changes, key: Key, wrong: list[tuple[Key, ErrorDetails]]) -> S:
    data = _merged(stanza.model_dump(exclude_unset=True), changes)
    try:
        return type(stanza).model_validate(data)
    except ValidationError as error:
        wrong += [((*key, *details["loc"]), details) for details in error.errors(include_url=False)]
        return stanza


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``below`` with ``above`` laid over it: mappings key by key, everything else as a whole."""
    both = {
        key: _merged(below[key], value) if isinstance(value, dict) and isinstance(below[key], dict) else value
        for key, value in above.items()
        if key in below
    }
    return {**below, **above, **both}


def relative_paths(stanza: Stanza) -> Iterator[str]:
    """Yield the keys whose path depends on where somebody stands."""
    for name in type(stanza).model_fields:
        value = getattr(stanza, name)
        if isinstance(value, Path) and not value.is_absolute():
            yield name
