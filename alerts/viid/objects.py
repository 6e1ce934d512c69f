"""What an incident is in the view library: objects with ids, and the pictures that they rest on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import simplejpeg

from alerts.channels.base import Picture
from alerts.links import PictureLinks
from alerts.payload import Notice
from alerts.viid.codes import Codes, Kind, ObjectKind
from lianfang.errors import PermanentError
from lianfang.plates import matches, normalised

_QUALITY = 90
_TIME = "%Y%m%d%H%M%S"
_IMAGE = "02"
_SEQUENCES = 100_000
_UNKNOWN = "99"
_NO_PLATE = "无车牌"


@dataclass(frozen=True, slots=True)
class Report:
    """One object for one collection."""

    kind: Kind
    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture for a SubImageList: JPEG bytes, or the link to them."""

    id: str
    type: str
    jpeg: bytes
    url: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Turns notices into objects. The same incident always has the same ids.

    ``tollgates`` are the codes of tollgates by camera. With ``links`` pictures are behind links.
    """

    codes: Codes
    zone: ZoneInfo
    tollgates: Mapping[str, str]
    links: PictureLinks | None

    def ids(self, notice: Notice) -> dict[ObjectKind, str]:
        """Return the id of each object of ``notice``; PermanentError where its camera has no code."""
        device = notice.place.device_code
        if not device:
            raise PermanentError(f"camera {notice.place.camera} has no device_code")
        basic = self.basic(notice, 0)
        tail = basic[-5:]
        semantic = self.codes.semantic
        kinds = self.codes.rule(notice.type).objects
        return {kind: basic + semantic[kind] + tail if kind in semantic else basic for kind in kinds}

    def reports(self, notice: Notice, pictures: Sequence[Picture], since: datetime) -> list[Report]:
        """Return the objects with their pictures. ``since`` is when links begin to count."""
        ids = self.ids(notice)
        scene = next((p for p in pictures if p.kind == "original"), None)
        corners = _corners(scene)
        reports = []
        for n, (kind, object_id) in enumerate(ids.items()):
            shown = self._shown(notice, kind, scene, corners, since, n)
            if kind == "image":
                reports.append(Report(kind, object_id, self._image(notice, object_id, shown)))
                continue
            common = {
                "InfoKind": 1,
                "SourceID": self.basic(notice, 0),
                "DeviceID": notice.place.device_code,
                **dict(zip(("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY"), corners, strict=True)),
            }
            own = {
                "motor_vehicle": self._motor_vehicle,
                "non_motor_vehicle": self._non_motor_vehicle,
                "person": self._person,
            }[kind](notice, object_id, shown)
            images = [self._sub_image(notice, picture) for picture in shown]
            extra = self.codes.rule(notice.type).extra.get(kind, {})
            body = {**own, **common, **extra, "SubImageList": {"SubImageInfoObject": images}}
            reports.append(Report(kind, object_id, body))
        return reports

    def basic(self, notice: Notice, n: int, type_: str = _IMAGE) -> str:
        """Return the ``n``-th 41-digit id of an incident: device, type, time, and a number of its own."""
        own = int.from_bytes(hashlib.sha256(notice.number.encode()).digest()[:8])
        return f"{notice.place.device_code}{type_}{self.moment(notice.opened_at)}{(own + n) % _SEQUENCES:05}"

    def moment(self, moment: datetime) -> str:
        """Return a time as the library has it."""
        return moment.astimezone(self.zone).strftime(_TIME)

    def _shown(
        self,
        notice: Notice,
        kind: ObjectKind,
        scene: Picture | None,
        corners: tuple[int, int, int, int],
        since: datetime,
        n: int,
    ) -> list[Shown]:
        """Return the scene, and what of it the incident is about where that is known."""
        if scene is None:
            return []
        height, width, *_ = simplejpeg.decode_jpeg_header(scene.jpeg)
        url = self.links.link(scene.evidence, scene.kind, since)[0] if self.links else ""
        types = self.codes.pictures
        shown = [Shown(self.basic(notice, 0), types["scene"], scene.jpeg, url, (width, height))]
        left, top, right, bottom = corners
        if kind != "image" and right > left and bottom > top and not self.links:
            target = _cut(scene.jpeg, corners)
            shown.append(
                Shown(self.basic(notice, n + 1), types[kind], target, "", (right - left, bottom - top))
            )
        return shown

    def _sub_image(self, notice: Notice, shown: Shown) -> dict[str, Any]:
        width, height = shown.size
        where = {"StoragePath": shown.url} if shown.url else {"Data": _base64(shown.jpeg)}
        return {
            "ImageID": shown.id,
            "EventSort": self.codes.rule(notice.type).event_sort,
            "DeviceID": notice.place.device_code,
            "Type": shown.type,
            "FileFormat": "Jpeg",
            "ShotTime": self.moment(notice.opened_at),
            "Width": width,
            "Height": height,
            **where,
        }

    def _motor_vehicle(self, notice: Notice, object_id: str, shown: Sequence[Shown]) -> dict[str, Any]:
        plate = normalised(notice.subject)
        kinds = matches(plate)
        known = self.codes.plates.get(kinds[0].name) if kinds else None
        tollgate = self.tollgates.get(notice.place.camera)
        return {
            "MotorVehicleID": object_id,
            **({"TollgateID": tollgate} if tollgate else {}),
            "PassTime": self.moment(notice.opened_at),
            # Inline there is no link: the id under which the picture stands in the list.
            "StorageUrl1": shown[0].url or shown[0].id if shown else self.basic(notice, 0),
            "HasPlate": bool(kinds),
            "PlateClass": known.class_ if known else _UNKNOWN,
            "PlateColor": known.colour if known else _UNKNOWN,
            "PlateNo": plate if kinds else _NO_PLATE,
            "VehicleColor": _UNKNOWN,
        }

    def _non_motor_vehicle(self, notice: Notice, object_id: str, shown: Sequence[Shown]) -> dict[str, Any]:
        del shown
        return {
            "NonMotorVehicleID": object_id,
            "MarkTime": self.moment(notice.opened_at),
            "AppearTime": self.moment(notice.opened_at),
            "DisappearTime": self.moment(notice.cleared_at or notice.updated_at),
            "HasPlate": False,
            "VehicleColor": _UNKNOWN,
        }

    def _person(self, notice: Notice, object_id: str, shown: Sequence[Shown]) -> dict[str, Any]:
        del shown
        return {
            "PersonID": object_id,
            "PersonAppearTime": self.moment(notice.opened_at),
            "PersonDisAppearTime": self.moment(notice.cleared_at or notice.updated_at),
            "IsDriver": 2,  # unknown
        }

    def _image(self, notice: Notice, object_id: str, shown: Sequence[Shown]) -> dict[str, Any]:
        if not shown:
            raise PermanentError(f"no picture to report: {notice.pictures_missing or 'none was kept'}")
        where = f"{notice.place.point_name} {notice.place.zone_name}".strip()
        sub = self._sub_image(notice, shown[0])
        data = {"Data": sub.pop("Data")} if "Data" in sub else {}
        about = {
            **sub,
            "ImageID": object_id,
            "InfoKind": 1,
            "ImageSource": _UNKNOWN,
            "Title": notice.title,
            "ContentDescription": f"{notice.community} {where}: {notice.title}",
        }
        about.update(self.codes.rule(notice.type).extra.get("image", {}))
        return {"ImageInfo": about, **data}


def _corners(scene: Picture | None) -> tuple[int, int, int, int]:
    """Return the box in pixels of the scene, left, top, right, bottom; zeros where it is not known."""
    if scene is None or scene.box is None:
        return 0, 0, 0, 0
    height, width, *_ = simplejpeg.decode_jpeg_header(scene.jpeg)
    x1, y1, x2, y2 = (min(max(value, 0.0), 1.0) for value in scene.box)
    return round(x1 * width), round(y1 * height), round(x2 * width), round(y2 * height)


def _cut(jpeg: bytes, corners: tuple[int, int, int, int]) -> bytes:
    left, top, right, bottom = corners
    image = simplejpeg.decode_jpeg(jpeg, colorspace="BGR")[top:bottom, left:right]
    cut: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=_QUALITY, colorspace="BGR")
    return cut


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
