"""Cameras and tollgates (卡口) as records of the view library: what of them is known, and what is lacking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.payload import Datum, same_datum
from alerts.viid.codes import Codes
from alerts.viid.objects import Report
from alerts.viid.tollgates import Tollgate
from lianfang.config import Camera, Config, Point
from lianfang.config.record import address_of
from lianfang.events import CameraCondition

_DIGITS = 6  # of a degree: 0.1 m


@dataclass(frozen=True, slots=True)
class Records:
    """Complete records, and by camera or tollgate which keys of the configuration the others lack."""

    reports: tuple[Report, ...] = ()
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def lacking(config: Config, camera: Camera, datum: Datum | None = None) -> tuple[str, ...]:
    """Return the keys that the file (一机一档) of a camera lacks, for a platform that wants ``datum``."""
    address, port = address_of(camera)
    known = {
        "device_code": camera.device_code,
        "record.model": camera.record.model,
        "record.ip_address": address,
        "record.port": port,
        "record.function_type": camera.record.function_type,
    }
    return tuple(key for key, value in known.items() if not value) + _place_lacks(config, camera.point, datum)


def records(
    config: Config,
    conditions: Mapping[str, str],
    tollgates: Mapping[str, Tollgate],
    datum: Datum,
    codes: Codes,
) -> Records:
    """Return the records of the cameras in use and of their tollgates.

    ``conditions`` are those of the cameras as their streams said last, ``tollgates`` those at which cameras
    stand, by camera; several cameras may stand at one.
    """
    reports, missing = dict[str, Report](), dict[str, tuple[str, ...]]()
    for name, camera in config.cameras.items():
        if not camera.enabled:
            continue
        if gaps := lacking(config, camera, datum):
            missing[name] = gaps
        else:
            body = _ape(config, camera, conditions.get(name, ""), codes)
            reports[camera.device_code] = Report("ape", camera.device_code, body)
    for name, tollgate in tollgates.items():
        camera = config.cameras[name]
        gaps = tollgate.lacks() + _place_lacks(config, camera.point, datum)
        if gaps:
            missing[f"tollgates.{name}"] = gaps
        elif tollgate.code not in reports:
            reports[tollgate.code] = Report("tollgate", tollgate.code, _gate(config, camera, tollgate, codes))
    return Records(tuple(reports.values()), missing)


def _place_lacks(config: Config, point_id: str, datum: Datum | None) -> tuple[str, ...]:
    point = config.points[point_id]
    gaps = tuple(f"point.{key}" for key in ("longitude", "latitude") if getattr(point, key) is None)
    if not gaps and datum is not None and not same_datum(point.datum, datum):
        gaps = (f"point.longitude and point.latitude in {datum} (they are in {point.datum})",)
    return gaps if point.place_code or config.community.place_code else (*gaps, "point.place_code")


def _place(config: Config, point: Point) -> dict[str, Any]:
    return {
        "Longitude": round(point.longitude or 0.0, _DIGITS),
        "Latitude": round(point.latitude or 0.0, _DIGITS),
        "PlaceCode": point.place_code or config.community.place_code,
    }


def _ape(config: Config, camera: Camera, condition: str, codes: Codes) -> dict[str, Any]:
    point, (address, port) = config.points[camera.point], address_of(camera)
    return {
        "ApeID": camera.device_code,
        "Name": camera.name,
        "Model": camera.record.model,
        "IPAddr": address,
        "Port": port,
        **_place(config, point),
        "IsOnline": _is_online(condition, codes),
        "FunctionType": camera.record.function_type,
        **({"PositionType": point.position_type} if point.position_type else {}),
    }


def _is_online(condition: str, codes: Codes) -> str:
    if condition in {CameraCondition.ONLINE, CameraCondition.DEGRADED, CameraCondition.NOISY}:
        return codes.is_online.online
    return codes.is_online.offline if condition == CameraCondition.OFFLINE else codes.is_online.unknown


def _gate(config: Config, camera: Camera, tollgate: Tollgate, codes: Codes) -> dict[str, Any]:
    point = config.points[camera.point]
    status = codes.tollgate_status
    return {
        "TollgateID": tollgate.code,
        "Name": tollgate.name or point.name,
        **_place(config, point),
        "Status": status.in_use if camera.enabled else status.out_of_use,
        "TollgateCat": tollgate.category,
        "TollgateUsage": tollgate.usage,
    }
