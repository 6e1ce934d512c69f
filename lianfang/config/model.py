"""The configuration of a community: one file, every key with its meaning, unit and bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    Field,
    IPvAnyNetwork,
    PrivateAttr,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from lianfang.almanac import Almanac
from lianfang.config.api import Api, Operator
from lianfang.config.broker import Broker
from lianfang.config.camera import Camera
from lianfang.config.clocks import Clocks
from lianfang.config.community import Community
from lianfang.config.escalation import Escalation, Severity, usual_limits
from lianfang.config.gateway import Gateway
from lianfang.config.grid import GridCell
from lianfang.config.guests import Guests
from lianfang.config.kafka import Kafka, brokers
from lianfang.config.map import SiteMap
from lianfang.config.naming import misnamed
from lianfang.config.on_call import OnCall
from lianfang.config.point import Point
from lianfang.config.postgresql import Postgresql, address
from lianfang.config.profiles import Profile
from lianfang.config.runtime import DeadMan, Runtime
from lianfang.config.sensor import Sensor
from lianfang.config.sharing import heard_at
from lianfang.config.stanza import Files, Id, Problem, Spoken, Stanza
from lianfang.config.uplink import Uplink
from lianfang.config.voice import Voice
from lianfang.plugins import PluginConfig

StageStanza = Annotated[SerializeAsAny[Stanza], PluginConfig("detectors.stages").validator()]
RuleStanza = Annotated[SerializeAsAny[Stanza], PluginConfig("alerts.rules").validator()]
ChannelStanza = Annotated[SerializeAsAny[Stanza], PluginConfig("alerts.channels").validator()]


_NO_LIMITS = Escalation()
_Device = TypeVar("_Device", Camera, Sensor)


def _within(stanza: Stanza, info: ValidationInfo) -> Stanza:
    """Return ``stanza``, with the networks of the file where it needs some and has none of its own."""
    if getattr(stanza, "networks", ()) is not None:
        return stanza
    return stanza.model_copy(update={"networks": info.data.get("networks", ())})


class Config(Stanza):
    """Everything that one installation needs to know."""

    inventory: Files = ()
    """YAML files with points, cameras, uplinks, sensors, receivers and grid_cells that belong to this one."""
    data_dir: Path = Path("data")
    """Folder of the log, the store, the frames and the evidence; relative to this file."""
    evidence_dir: Path | None = None
    """Folder of the pictures, one for all alert services; `evidence` in `data_dir` where not given."""
    models_dir: Path | None = None
    """Folder of the installed models; the user's cache where not given."""
    bus: str = "embedded"
    """What carries frames and observations: embedded, or kafka://host:port[,host:port]."""
    kafka: Kafka = Kafka()
    """Topics and access of Kafka, where the bus is one."""
    store: str = "sqlite"
    """What keeps incidents and what is owed: sqlite (a file), or postgresql://user@host[:port][,…]/database."""
    postgresql: Postgresql = Postgresql()
    """Access to PostgreSQL, where the store is one."""
    community: Community
    """Whom it watches for."""
    api: Api = Api()
    """The HTTP API and the console."""
    runtime: Runtime = Runtime()
    """Processes, threads, deadlines."""
    clocks: Clocks = Clocks()
    """Whose clock is believed, and by how much a camera's may be off."""
    dead_man: DeadMan | None = None
    """A dead-man's switch outside; none where not given."""
    networks: tuple[IPvAnyNetwork, ...] = Field(default=(), max_length=64)
    """Networks, such as 10.0.0.0/8, in which receivers, media servers and ONVIF devices may be, beside public
    addresses."""
    map: SiteMap = SiteMap()
    """What the map of the console is drawn on."""
    points: dict[Id, Point] = Field(default_factory=dict)
    """Monitoring points."""
    cameras: dict[Id, Camera] = Field(min_length=1)
    """Cameras."""
    guests: Guests | None = None
    """Cameras that others connect; none where not given."""
    uplinks: dict[Id, Uplink] = Field(default_factory=dict)
    """What cameras hang on; none is called as a point or a place is."""
    brokers: dict[Id, Broker] = Field(default_factory=dict)
    """MQTT brokers that sensors are read from, one connection each."""
    gateways: dict[Id, Gateway] = Field(default_factory=dict)
    """Who sends readings of sensors to our API."""
    sensors: dict[Id, Sensor] = Field(default_factory=dict)
    """Sensors; none is called as a camera is."""
    detectors: dict[Id, StageStanza] = Field(min_length=1)
    """Stages that cameras name."""
    rules: dict[Id, RuleStanza] = Field(default_factory=dict)
    """What matters."""
    profiles: dict[Id, Profile] = Field(default_factory=dict)
    """What is different at some times: a flood, a festival. One is in force, or none of them."""
    voice: Voice = Voice()
    """What speaks for speakers that play sound only."""
    receivers: dict[Id, ChannelStanza] = Field(default_factory=dict)
    """Who is told: speakers and platforms."""
    escalation: dict[Severity, Escalation] = Field(default_factory=usual_limits)
    """Time limits of cases, by severity; none for a severity that is not named."""
    on_call: OnCall | None = None
    """Who is called, one after the other, about cases that nobody answers; nobody where not given."""
    grid_cells: dict[Id, GridCell] = Field(default_factory=dict)
    """Whom cases can be assigned to, beside the operators."""

    @field_validator("bus")
    @classmethod
    def _known_bus(cls, value: str) -> str:
        if value != "embedded":
            brokers(value)
        return value

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value != "sqlite":
            address(value)
        return value

    @field_validator("receivers")
    @classmethod
    def _receivers_within(cls, value: dict[str, Stanza], info: ValidationInfo) -> dict[str, Stanza]:
        return {name: _within(receiver, info) for name, receiver in value.items()}

    @field_validator("cameras", "sensors")
    @classmethod
    def _sources_within(cls, value: dict[str, _Device], info: ValidationInfo) -> dict[str, _Device]:
        return {
            name: device.model_copy(update={"source": _within(device.source, info)})
            if device.source is not None
            else device
            for name, device in value.items()
        }

    @field_validator("detectors")
    @classmethod
    def _in_time_zone(cls, value: dict[str, Stanza], info: ValidationInfo) -> dict[str, Stanza]:
        """Give the time zone of the community to those that want one and have none of their own."""
        community = info.data.get("community")
        wanting = [name for name, stanza in value.items() if getattr(stanza, "timezone", "") is None]
        if community is None:
            return value
        within = {"timezone": community.timezone}
        return value | {name: value[name].model_copy(update=within) for name in wanting}

    _changed_lists: Mapping[Path, str] = PrivateAttr(default_factory=dict)

    @property
    def changed_lists(self) -> Mapping[Path, str]:
        """The text of those lists of rules that people have changed since, by the path that rules name."""
        return self._changed_lists

    def with_lists(self, changed: Mapping[Path, str]) -> Config:
        """Return the configuration with the text of lists that people have changed."""
        copy = self.model_copy()
        copy._changed_lists = dict(changed)  # noqa: SLF001 - a copy of its own
        return copy

    @property
    def store_is_shared(self) -> bool:
        """True where several alert services may work on the store."""
        return self.store != "sqlite"

    @property
    def evidence_folder(self) -> Path:
        """The folder of the pictures."""
        return self.evidence_dir or self.data_dir / "evidence"

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield what is called as something else is: what an incident is about must be told apart."""
        for name in sorted(config.sensors.keys() & config.cameras.keys()):
            yield Problem(("sensors", name), repr(name), "an id that no camera has")
        zones = ((camera, zone) for camera in config.cameras for zone in config.cameras[camera].zones)
        places = {*config.points, *(config.place_of(camera, zone) for camera, zone in zones)}
        for name in sorted(config.uplinks.keys() & places):
            yield Problem(("uplinks", name), repr(name), "an id that no point and no place has")
        for cell in sorted(self.grid_cells.keys() & self.api.operators.keys()):
            yield Problem(("grid_cells", cell), repr(cell), "an id that no operator has")
        yield from misnamed(config)

    @property
    def bus_is_embedded(self) -> bool:
        """True where the alert service keeps the bus for all; Kafka keeps itself."""
        return self.bus == "embedded"

    def receivers_of(self, role: str) -> list[str]:
        """Return the receivers that are ``speaker`` or ``notice``, in the order of their ids."""
        return sorted(name for name, stanza in self.receivers.items() if getattr(stanza, "role", "") == role)

    def assignee(self, name: str) -> Operator | GridCell | None:
        """Return the person or the cell of the grid that a case can be assigned to under ``name``."""
        return self.api.operators.get(name) or self.grid_cells.get(name)

    def limits(self, severity: str) -> Escalation:
        """Return the time limits of cases of a severity."""
        return next((limits for name, limits in self.escalation.items() if name == severity), _NO_LIMITS)

    def call_after_s(self, severity: str) -> float | None:
        """Return after how long a case that nobody answers calls the next one, None for never."""
        called = self.on_call is not None and severity in self.on_call.severities
        return self.on_call.after_s if self.on_call is not None and called else None

    def cell_of(self, point: str) -> str | None:
        """Return the cell of the grid in which a point lies."""
        return next((name for name, cell in self.grid_cells.items() if point in cell.points), None)

    def stands_for(self, operator: str) -> list[str]:
        """Return whom ``operator`` stands for: themselves, and the cells in which they work."""
        return [operator, *(name for name, cell in self.grid_cells.items() if operator in cell.workers)]

    def labels_given(self, detectors: Iterable[str]) -> list[str]:
        """Return what ``detectors``, by id, find as far as the configuration says."""
        stages = (self.detectors[name] for name in detectors if name in self.detectors)
        return sorted({label for stage in stages for label in getattr(stage, "labels", ())})

    def spoken_languages(self) -> tuple[Spoken, ...]:
        """Return the languages that the community or any of its speakers asks for, each once."""
        asked = [*self.community.languages]
        for receiver in self.receivers.values():
            asked += getattr(receiver, "languages", ())
        return tuple(dict.fromkeys(asked))

    def has(self, source: str) -> bool:
        """Say whether there is a camera, a sensor or a speaker of that id."""
        return source in self.cameras or source in self.sensors or heard_at(self, source) is not None

    def point_of(self, source: str) -> str:
        """Return the point of a camera, a sensor or a speaker that some zone names."""
        device = self.cameras.get(source) or self.sensors.get(source)
        return device.point if device else heard_at(self, source) or ""

    def almanac(self, source: str | None = None) -> Almanac:
        """Return what schedules go by, at a camera or sensor if one is given; BadCalendar as ``calendar``."""
        point = self.points.get(self.point_of(source)) if source is not None and self.has(source) else None
        position = None
        if point is not None and point.latitude is not None and point.longitude is not None:
            position = (point.latitude, point.longitude)
        return Almanac(self.community.zone, self.community.calendar, position)

    def place_of(self, camera_id: str, zone_id: str) -> str:
        """Return the place that a zone belongs to: its own, else the camera's point."""
        camera = self.cameras[camera_id]
        return camera.zones[zone_id].place or camera.point
