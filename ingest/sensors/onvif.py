"""``kind: onvif``: what a camera itself says that it sees: movement, and that it was covered or turned."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from ingest.address import Login
from ingest.sensors.base import STANDS, Heard, Hearing, Said, SensorSourceConfig, SourceLost, Unread
from ingest.sources.base import SourceLost as NoPictures
from lianfang.clock import Clock
from lianfang.config import Config as Root
from lianfang.config import Problem
from lianfang.config.tls import Tls
from lianfang.errors import LianfangError
from lianfang.reach.http import base_url
from lianfang.reach.networks import Reached, check_address

if TYPE_CHECKING:
    from ingest.onvif.events import Event

_WAIT_S = 10.0
_TIMEOUT_S = 5.0
_VIDEO = "VideoSource"
TOPICS: dict[str, dict[str, str]] = {
    "motion": {
        "RuleEngine/CellMotionDetector/Motion": "IsMotion",
        "RuleEngine/MotionRegionDetector/Motion": "State",
        f"{_VIDEO}/MotionAlarm": "State",
    },
    "tamper": {
        "RuleEngine/TamperDetector/Tamper": "IsTamper",
        **{
            f"{_VIDEO}/{what}/{who}": "State"
            for what in ("GlobalSceneChange", "ImageTooDark", "ImageTooBright", "ImageTooBlurry")
            for who in ("ImagingService", "AnalyticsService", "RecordingService")
        },
    },
}
"""The topics of what a sensor may be about, and the name of the value that each carries."""
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


class Config(SensorSourceConfig, Login, Reached):
    """Events of a camera. All sensors of a camera are heard over one subscription.

    A value is 1 while any topic says that it is so, and 0 when none does.
    """

    kind: Literal["onvif"]
    url: Annotated[str, AfterValidator(base_url)]
    """The camera, such as http://10.1.2.3."""
    tls: Tls | None = None
    """Certificates, where its address begins with https."""
    about: Literal["motion", "tamper"]
    """What it tells of: that something moves, or that the camera is covered, turned or blinded."""
    lens: str | None = Field(default=None, min_length=1, max_length=256)
    """Token that its events must name, where it has several lenses or channels."""

    @property
    def shares(self) -> Hashable:
        """The camera, and who we are there."""
        return self.url, self.username

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield an address where nothing may be, and a password of nobody."""
        yield from super().check(config)
        yield from check_address("url", self.url, self.within)


def build(config: Config, sensors: Mapping[str, Config], root: Root, clock: Clock) -> OnvifSensors:
    """Return the source of all ``sensors`` of the camera of ``config``."""
    del root
    return OnvifSensors(config, sensors, clock)


class OnvifSensors:
    """The sensors of one camera."""

    def __init__(self, config: Config, sensors: Mapping[str, Config], clock: Clock) -> None:
        self._config, self._sensors, self._clock = config, sensors, clock
        self._true = _nothing(sensors)

    async def open(self) -> Hearing:
        """Subscribe, and yield what the camera says until it does not answer."""
        from ingest.onvif.device import Device  # noqa: PLC0415 - 34 MB, only where there is such a sensor

        self._true = _nothing(self._sensors)
        try:
            device = Device(
                self._config.url,
                self._config.login(),
                networks=self._config.within,
                timeout_s=_TIMEOUT_S,
                tls=self._config.tls,
                clock=self._clock,
            )
            async with device, device.events(_WAIT_S) as events:
                yield STANDS
                while True:
                    for event in await events.pull():
                        for said in self.read(event):
                            yield said
        except NoPictures as error:
            raise SourceLost(error.detail) from None
        except LianfangError as error:
            raise SourceLost(str(error)) from error

    def read(self, event: Event) -> Iterator[Heard]:
        """Yield what an event says to each sensor that it is about."""
        for name, sensor in self._sensors.items():
            item = TOPICS[sensor.about].get(event.topic)
            if item is None or (sensor.lens is not None and sensor.lens not in event.source.values()):
                continue
            value = event.data.get(item, "").lower()
            if value not in _TRUE | _FALSE:
                yield Unread(event.topic, b"", f"{item} is neither true nor false", name)
                continue
            what, true = (event.topic, frozenset(event.source.items())), self._true[name]
            if value in _TRUE:
                true.add(what)
            else:
                true.discard(what)
            yield Said(name, float(bool(true)), None, event.at, "", {"topic": event.topic})


def _nothing(sensors: Iterable[str]) -> dict[str, set[tuple[str, frozenset[tuple[str, str]]]]]:
    """Return, by sensor, which topics say of which source that it is so: none."""
    return {name: set() for name in sensors}
