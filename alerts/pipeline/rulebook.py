"""The rules of one configuration, made ready to decide by, and what of their states outlives it. Pure.

A configuration is changed while cameras are looked at: by a person, or because another profile is in force.
Each camera goes over by itself, with its first event that the new configuration is for. Since its events are
in order, what becomes of it does not depend on how the log mixes the cameras: a replay equals live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

from alerts.rules.base import DeviceRule, Rule, RuleSettings
from lianfang import plugins
from lianfang.config import Config

_SHARED = frozenset(RuleSettings.model_fields)
"""Keys that say what follows from a sighting: no rule counts by them."""


@dataclass
class ReadyRule:
    """A rule of ``config``, with its zones and lists prepared."""

    settings: RuleSettings
    rule: Rule[Any]
    config: InitVar[Config]
    places: dict[str, tuple[tuple[str, frozenset[str]], ...]] = field(init=False)
    """Camera → the places that it sees for the rule, each with its zones."""

    def __post_init__(self, config: Config) -> None:
        # Asking a protocol takes as long as a rule does: once is enough.
        self.device: DeviceRule[Any] | None = self.rule if isinstance(self.rule, DeviceRule) else None
        self.places = {camera: tuple(self._places(config, camera)) for camera in self.settings.cameras}

    def footing(self, config: Config, camera_id: str) -> tuple[object, ...]:
        """Return all that the rule's state at a camera stands on: its own keys, and where it looks."""
        own = {key: getattr(self.settings, key) for key in type(self.settings).model_fields.keys() - _SHARED}
        camera = config.cameras[camera_id]
        zones = {zone: camera.zones[zone].polygon for zone in self.settings.zones if zone in camera.zones}
        lines = {line: camera.lines[line] for line in own.get("lines", ()) if line in camera.lines}
        return own, zones, lines

    def _places(self, config: Config, camera_id: str) -> Iterator[tuple[str, frozenset[str]]]:
        if self.device is not None:
            yield config.cameras[camera_id].point, frozenset({""})
            return
        zones = config.cameras[camera_id].zones
        wanted = [zone for zone in self.settings.zones or tuple(zones) if zone in zones]
        for place in dict.fromkeys(config.place_of(camera_id, zone) for zone in wanted):
            yield place, frozenset(zone for zone in zones if config.place_of(camera_id, zone) == place)


State = tuple[str, Any]
"""(track epoch, a rule's state) of one camera."""


class RuleBook:
    """Every enabled rule of ``config``; ``version`` names the settings, and stands in what is decided."""

    def __init__(self, config: Config, version: str = "") -> None:
        """Prepare the rules; what they read, such as lists, is read now."""
        self.config, self.version = config, version
        self.rules = {
            rule_id: ReadyRule(settings, plugins.build("alerts.rules", settings, config), config)
            for rule_id, settings in config.rules.items()
            if isinstance(settings, RuleSettings) and settings.enabled
        }
        self._by_camera: dict[str, list[tuple[str, ReadyRule]]] = {}
        for rule_id, ready in self.rules.items():
            for camera in ready.places:
                self._by_camera.setdefault(camera, []).append((rule_id, ready))

    @property
    def memory_s(self) -> float:
        """For how long what was seen matters to any rule."""
        return max((ready.settings.memory_s for ready in self.rules.values()), default=0)

    def of(self, camera_id: str) -> Sequence[tuple[str, ReadyRule]]:
        """Return the rules that look at a camera, by id; none for a camera that it does not know."""
        return self._by_camera.get(camera_id, ())

    def carried(self, camera_id: str, states: Mapping[str, State], before: RuleBook) -> dict[str, State]:
        """Return those of a camera's ``states`` by rule, made by ``before``, that go on here.

        They are those of rules that count as they did. What has changed, or was not there, begins anew: so
        somebody who stands in a zone that was drawn just now is counted from now on.
        """
        if self is before:
            return dict(states)
        return {
            rule_id: states[rule_id]
            for rule_id, ready in self.of(camera_id)
            if rule_id in states
            and (known := before.rules.get(rule_id)) is not None
            and ready.footing(self.config, camera_id) == known.footing(before.config, camera_id)
        }
