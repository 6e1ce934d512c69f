"""What a platform asks of a device, and what it is answered: who we are, and which cameras we have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from xml.etree import ElementTree as ET

from alerts.gb28181.xml import document, element
from alerts.payload import Datum, same_datum
from lianfang.config import Camera, Config
from lianfang.events import CameraCondition

_MAKER = "lianfang"
_SEEN = frozenset({CameraCondition.ONLINE, CameraCondition.DEGRADED, CameraCondition.NOISY})


@dataclass(frozen=True, slots=True)
class Installation:
    """What it is told of: the configuration in force, and what the stream of each camera said last."""

    config: Config
    conditions: Mapping[str, str]

    @property
    def cameras(self) -> dict[str, Camera]:
        """Cameras in use that have a code, by id."""
        return {name: c for name, c in self.config.cameras.items() if c.enabled and c.device_code}


def answers(
    asked: ET.Element, device: str, there: Installation, datum: Datum, now: datetime
) -> Iterator[ET.Element]:
    """Yield the answers to a query or a command to ``device``; what we do not know or do is an ERROR.

    ``now`` is in the platform's own time zone.
    """
    command, target = asked.findtext("CmdType", ""), asked.findtext("DeviceID", "")
    begin = [element("CmdType", command), element("SN", asked.findtext("SN", "0"))]
    if command == "Catalog" and target == device:
        yield from _catalogue(begin, device, there, datum)
        return
    begin.append(element("DeviceID", target))
    if command == "DeviceInfo" and target == device:
        yield _info(begin, there)
    elif command == "DeviceStatus" and target == device:
        yield _status(begin, now)
    else:
        yield document("Response", *begin, element("Result", _done(asked)))


def _done(asked: ET.Element) -> str:
    """Say whether a command has been done: an alarm of ours is told, not held, so it is always reset."""
    return "OK" if asked.findtext("AlarmCmd") == "ResetAlarm" else "ERROR"


def _catalogue(
    begin: list[ET.Element], device: str, there: Installation, datum: Datum
) -> Iterator[ET.Element]:
    """Yield the cameras, one a message: a datagram has no room for two."""
    cameras = there.cameras
    for name, camera in cameras.items() or [("", None)]:
        listed = ET.Element("DeviceList", Num=str(int(camera is not None)))
        if camera is not None:
            listed.append(_item(name, camera, device, there, datum))
        yield document(
            "Response", *begin, element("DeviceID", device), element("SumNum", len(cameras)), listed
        )


def _item(name: str, camera: Camera, device: str, there: Installation, datum: Datum) -> ET.Element:
    point = there.config.points[camera.point]
    place = []
    if point.longitude is not None and point.latitude is not None and same_datum(point.datum, datum):
        place = [element("Longitude", f"{point.longitude:.6f}"), element("Latitude", f"{point.latitude:.6f}")]
    return document(
        "Item",
        element("DeviceID", camera.device_code),
        element("Name", camera.name),
        element("Manufacturer", _MAKER),
        element("Model", camera.record.model or "-"),
        element("Owner", there.config.community.name),
        element("CivilCode", (point.place_code or there.config.community.place_code or device)[:6]),
        element("Address", point.name),
        element("Parental", 0),
        element("ParentID", device),
        element("SafetyWay", 0),
        element("RegisterWay", 1),
        element("Secrecy", 0),
        element("Status", "ON" if there.conditions.get(name) in _SEEN else "OFF"),
        *place,
    )


def _info(begin: list[ET.Element], there: Installation) -> ET.Element:
    return document(
        "Response",
        *begin,
        element("Result", "OK"),
        element("DeviceName", there.config.community.name),
        element("Manufacturer", _MAKER),
        element("Model", _MAKER),
        element("Firmware", version("lianfang")),
        element("Channel", len(there.cameras)),
    )


def _status(begin: list[ET.Element], now: datetime) -> ET.Element:
    return document(
        "Response",
        *begin,
        element("Result", "OK"),
        element("Online", "ONLINE"),
        element("Status", "OK"),
        element("DeviceTime", f"{now:%Y-%m-%dT%H:%M:%S}"),
    )
