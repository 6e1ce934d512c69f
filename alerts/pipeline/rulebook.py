"""The rules of one configuration, made ready to decide by, and what of their states outlives it. Pure.

A configuration is changed while cameras are looked at: by a person, or because another profile is in force.
Each camera goes over by itself, with its first event that the new configuration is for. Since its events are
in order, what becomes of it does not depend on how the log mixes the cameras: a replay equals live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from alerts.dispositions import Dispositions
from alerts.ground import Ground
from alerts.pipeline.order import Event
from alerts.pipeline.uplinks import ZONE
from alerts.rules.base import (
    CountingRule,
    DeviceRule,
    LastingRule,
    OrderedRule,
    Rule,
    RuleSettings,
    SensorRule,
    Sighting,
)
from alerts.together import Together
from alerts.zones import Zones
from lianfang import plugins
from lianfang.config import Config
from lianfang.config.schedule import Hours
from lianfang.config.sharing import places_of, sources
from lianfang.events import CameraState, Observation, Reading, SpeakerState

_SHARED = frozenset({*RuleSettings.model_fields, "sensors", "speakers"})
"""Keys that say what follows from a sighting, or of whom: no rule counts by them."""

State = tuple[str, Any]
"""(track epoch, a rule's state) of one camera or sensor."""


@dataclass
class ReadyRule:
    """A rule of ``config``, with its zones and lists prepared."""

    settings: RuleSettings
    rule: Any
    """Of one of the protocols of ``alerts.rules.base``, or of several."""
    config: InitVar[Config]
    places: dict[str, tuple[tuple[str, frozenset[str]], ...]] = field(init=False)
    """Camera or sensor → the places that it sees for the rule, each with its zones."""
    hours: Mapping[str, Hours] = field(init=False)
    """Camera or sensor → when the rule raises anything there; always where there is none."""

    def __post_init__(self, config: Config) -> None:
        # Asking a protocol takes as long as a rule does: once is enough.
        self.ordered: OrderedRule | None = self.rule if isinstance(self.rule, OrderedRule) else None
        self.looks: Rule[Any] | None = self.rule if isinstance(self.rule, Rule) else None
        self.sensor: SensorRule[Any] | None = self.rule if isinstance(self.rule, SensorRule) else None
        self.device: DeviceRule[Any] | None = self.rule if isinstance(self.rule, DeviceRule) else None
        self.lasting: TypeAdapter[Any] | None = (
            self.rule.lasting if isinstance(self.rule, LastingRule) else None
        )
        asked = getattr(self.settings, "together", None)
        self.together = Together(asked, config.sensors[asked.sensor]) if asked else None
        self.jointly: str | None = self.settings.sources[0] if self.settings.counts_jointly else None
        # It has nothing to do with a picture with nobody in any zone, unless it follows somebody.
        zones = isinstance(getattr(self.rule, "zones", None), Zones)
        self.sleeps = zones and self.together is None and self.jointly is None
        self._rest: Any = self.rule.initial() if self.settings.sources else None
        self.places = {source: tuple(self._places(config, source)) for source in self.settings.sources}
        self.hours = dict(_hours(self.settings, config))

    def applies(self, source: str, at: datetime) -> bool:
        """Say whether the rule raises anything at a camera or sensor at ``at``."""
        hours = self.hours.get(source)
        return hours is None or hours.applies(at)

    def home(self, source: str) -> str:
        """Return the camera or sensor under which the rule's state of ``source`` is kept."""
        return self.jointly or source

    @property
    def memory_s(self) -> float:
        """For how long what was seen and heard matters to it."""
        return max(self.settings.memory_s, self.together.memory_s if self.together else 0)

    def step(
        self,
        rule_id: str,
        states: dict[str, State],
        event: Event,
        dispositions: Dispositions,
        *,
        always: bool,
    ) -> Sighting | None:
        """Let the rule see ``event``; None where it is none of its business, or nothing unless ``always``.

        A state in which it knows of nobody is not kept.
        """
        sighting: Sighting | None
        epoch, before = states.get(rule_id) or ("", self._rest)
        if isinstance(event, Observation) and self.looks is not None:
            if epoch not in ("", event.track_epoch):
                before = self.looks.renumbered(before)
            epoch = event.track_epoch
            if not always and not self.looks.concerns(before, event):
                self._keep(rule_id, states, epoch, before)
                return None
            looks = self.looks if self.ordered is None else self.ordered.under(dispositions)
            after, sighting = looks.step(before, event)
        elif isinstance(event, CameraState | SpeakerState) and self.device is not None:
            after, sighting = self.device.step_state(before, event)
        elif isinstance(event, Reading) and self.sensor is not None and event.camera_id is None:
            after, sighting = self.sensor.step_reading(before, event)
        else:
            return None
        self._keep(rule_id, states, epoch, after)
        return sighting

    def _keep(self, rule_id: str, states: dict[str, State], epoch: str, state: Any) -> None:  # noqa: ANN401
        if state == self._rest:
            states.pop(rule_id, None)
        else:
            states[rule_id] = (epoch, state)

    def progress(self, state: State | None, track_id: str) -> str:
        """Return how far somebody is from counting, "" where the rule cannot say."""
        counts = state is not None and isinstance(self.rule, CountingRule)
        return self.rule.progress(state[1], track_id) if state is not None and counts else ""

    def footing(self, config: Config, source: str) -> tuple[object, ...]:
        """Return all that the rule's state at a camera or sensor stands on: its own keys, where it looks."""
        own = {key: getattr(self.settings, key) for key in type(self.settings).model_fields.keys() - _SHARED}
        if source not in config.cameras:
            return own, config.sensors.get(source)
        looked_at = self.settings.sources if self.settings.counts_jointly else (source,)
        cameras = [config.cameras[camera] for camera in looked_at]
        zones = [{z: c.zones[z].polygon for z in self.settings.zones if z in c.zones} for c in cameras]
        lines = [{line: c.lines[line] for line in own.get("lines", ()) if line in c.lines} for c in cameras]
        return own, zones, lines

    def _places(self, config: Config, source: str) -> Iterator[tuple[str, frozenset[str]]]:
        if self.device is not None or source not in config.cameras:
            yield config.point_of(source), frozenset({""})
            uplink = config.cameras[source].uplink if source in config.cameras else None
            if uplink is not None:
                yield uplink, frozenset({ZONE})
            return
        zones = config.cameras[source].zones
        wanted = [zone for zone in self.settings.zones or tuple(zones) if zone in zones]
        for place in dict.fromkeys(config.place_of(source, zone) for zone in wanted):
            yield place, frozenset(zone for zone in zones if config.place_of(source, zone) == place)


class RuleBook:
    """Every enabled rule of ``config``; ``version`` names the settings, and stands in what is decided."""

    def __init__(self, config: Config, version: str = "") -> None:
        """Prepare the rules; what they read, such as lists, is read now."""
        self.config, self.version = config, version or version_of(config)
        self.rules = {
            rule_id: ReadyRule(settings, plugins.build("alerts.rules", settings, config), config)
            for rule_id, settings in config.rules.items()
            if isinstance(settings, RuleSettings) and settings.enabled
        }
        self.almanacs = {source: config.almanac(source) for source in sources(config)}
        self._by_source: dict[str, list[tuple[str, ReadyRule]]] = {}
        off = {name for name, camera in config.cameras.items() if not camera.enabled}
        for rule_id, ready in self.rules.items():
            for source in ready.places.keys() - off:
                self._by_source.setdefault(source, []).append((rule_id, ready))
        self._grounds = {name: Ground.of(camera) for name, camera in config.cameras.items()}
        self._keys = {
            source: [(rule_id, place) for rule_id, ready in rules for place, _ in ready.places[source]]
            for source, rules in self._by_source.items()
        }
        self.inhibitors = dict(self._inhibitors())
        """(rule, camera or sensor) → the (rule, place) of which incidents may hold back what it raises."""

    @cached_property
    def vital(self) -> RuleBook:
        """The rules among these that speak to save lives."""
        saving = {r: ready.settings for r, ready in self.rules.items() if ready.settings.saves_lives_aloud}
        return RuleBook(self.config.model_copy(update={"rules": saving}), self.version)

    @property
    def memory_s(self) -> float:
        """For how long what was seen matters to any rule."""
        return max((ready.memory_s for ready in self.rules.values()), default=0)

    def asking(self, sensor_id: str) -> list[str]:
        """Return the cameras whose rules ask for the readings of a sensor beside their pictures."""
        rules = [r for r in self.rules.values() if r.together and r.together.settings.sensor == sensor_id]
        return sorted({camera for ready in rules for camera in ready.settings.cameras})

    def of(self, source: str) -> Sequence[tuple[str, ReadyRule]]:
        """Return the rules that look at a camera or hear a sensor, by id; none for what it does not know."""
        return self._by_source.get(source, ())

    def asked(
        self, event: Event, states: Container[str], awaited: Container[str]
    ) -> Sequence[tuple[str, ReadyRule]]:
        """Return the rules that ``event`` may concern, by id; ``states`` are those of its source.

        In most pictures there is nobody in any zone: then only rules that look elsewhere too, that follow
        somebody, or from which it is ``awaited`` that they see nobody.
        """
        rules = self.of(event.source)
        if not rules or not isinstance(event, Observation) or self._grounds[event.source].standing(event):
            return rules
        return [(r, ready) for r, ready in rules if not ready.sleeps or r in states or r in awaited]

    def keys(self, source: str) -> Sequence[tuple[str, str]]:
        """Return (rule, place) of everything that a camera or a sensor is watched for."""
        return self._keys.get(source, ())

    def homes(self, source: str) -> set[str]:
        """Return under which cameras and sensors the rules keep what they know of ``source``."""
        return {source, *(ready.home(source) for _, ready in self.of(source))}

    def watches(self, source: str, rule_id: str, place: str) -> bool:
        """Say whether a source looks at a place for a rule."""
        return any(
            name == rule_id and any(known == place for known, _ in ready.places[source])
            for name, ready in self.of(source)
        )

    def _inhibitors(self) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, str], ...]]]:
        for rule_id, ready in self.rules.items():
            others = [(r, self.rules[r]) for r in ready.settings.inhibited_by if r in self.rules]
            for source in ready.places if others else ():
                near = places_of(self.config, source)
                yield (
                    (rule_id, source),
                    tuple(
                        dict.fromkeys(
                            (other_id, place)
                            for other_id, other in others
                            for there, places in other.places.items()
                            for place, _ in places
                            if near & {place, self.config.point_of(there)}
                        )
                    ),
                )

    def carried(self, source: str, states: Mapping[str, State], before: RuleBook) -> dict[str, State]:
        """Return those of a source's ``states`` by rule, made by ``before``, that go on here.

        They are those of rules that count as they did. What has changed, or was not there, begins anew: so
        somebody who stands in a zone that was drawn just now is counted from now on.
        """
        if self is before:
            return dict(states)
        return {
            rule_id: states[rule_id]
            for rule_id, ready in self.of(source)
            if rule_id in states
            and (known := before.rules.get(rule_id)) is not None
            and ready.footing(self.config, source) == known.footing(before.config, source)
        }


def version_of(config: Config) -> str:
    """Return a name for the settings that decide: equal settings have an equal name."""
    deciding = config.model_dump_json(include={"points", "cameras", "detectors", "rules"})
    days = f"{config.community.timezone} {config.community.calendar.digest}"
    changed = "".join(f"{path} {text}" for path, text in sorted(config.changed_lists.items()))
    return hashlib.sha256(f"{deciding}{days}{changed}".encode()).hexdigest()[:12]


def _hours(settings: RuleSettings, config: Config) -> Iterator[tuple[str, Hours]]:
    """Yield (camera or sensor, its hours); those under the same sun share them."""
    active = settings.active
    if active is None:
        return
    shared: dict[object, Hours] = {}
    for source in settings.sources:
        almanac = config.almanac(source if active.needs_position else None)
        yield source, shared.setdefault(almanac.position, Hours(active, almanac))
