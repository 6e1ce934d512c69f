"""What stands at the points: cameras with what is drawn on them, speakers, sensors, and what they hang on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from deploy.community.names import CELLS
from deploy.community.places import Place

Data = dict[str, Any]

CAMERA_NAMES = "{point}{n:02d}号枪机"
_HEARD_M = 260.0  # a horn on a mast, by day
_SPEAKERS = {"river": 14, "school": 6, "bins": 6, "square": 4}  # 30, spread over the points of each kind
_DETECTORS = {
    "river": ["objects", "water"],
    "school": ["objects", "heads"],
    "gate": ["objects", "plates"],
    "bins": ["objects", "litter"],
}
_BROKER: Data = {
    "host": "10.20.0.5",
    "tls": {},
    "username": "lianfang",
    "password": {"env": "LIANFANG_BROKER_PASSWORD"},
}
_FPS = {"river": 5, "school": 5, "gate": 5}  # elsewhere nothing is quick
_SENSORS = {
    # kind of point: (every so many, kind, name, unit, low, high)
    "river": [(6, "water_level", "水位计", "m", 0, 6), (13, "turbidity", "浊度仪", "NTU", 0, 1000)],
    "bins": [(3, "fill", "满溢探头", "%", 0, 100)],
    "elder": [(1, "smoke", "烟感", "%", 0, 100)],
    "road": [(25, "tilt", "灯杆倾角", "deg", -90, 90)],
}


def points(placed: Sequence[Place]) -> Data:
    """Return the points."""
    found = {}
    for place in placed:
        latitude, longitude = place.position
        found[place.id] = {"name": place.name, "longitude": longitude, "latitude": latitude} | (
            {"position_type": place.kind.position_type} if place.kind.position_type else {}
        )
    return found


def grid_cells(placed: Sequence[Place]) -> Data:
    """Return the cells of the grid. Their telephone is no number."""
    return {
        f"cell_{i + 1:02d}": {
            "name": f"{name}网格",
            "points": [place.id for place in placed if place.cell == i],
            "contact": {"name": f"{name}网格员", "phone": f"0760-000000{i + 1:02d}"},
            "receiver": "grid_app",
        }
        for i, name in enumerate(CELLS)
    }


def uplinks() -> Data:
    """Return two boxes at the roadside for each cell: half of its cameras hang on each."""
    return {
        f"box_{i + 1:02d}{side}": {"name": f"{name}{words}交换机箱"}
        for i, name in enumerate(CELLS)
        for side, words in (("a", "甲"), ("b", "乙"))
    }


def cameras(placed: Sequence[Place]) -> Data:
    """Return the cameras, numbered by point; addresses by cell, as the switch gives them."""
    dice = random.Random("lianfang cameras")  # noqa: S311 - drawn polygons, nothing secret
    speakers = {place.id: place for place in _with_speaker(placed)}
    found: Data = {}
    hosts = [10] * len(CELLS)
    for place in placed:
        near = sorted((one for one in speakers.values() if one.kind == place.kind), key=place.away_m)
        heard = [f"horn_{one.id}" for one in near if place.away_m(one) <= _HEARD_M][:2]
        for n in range(1, place.cameras + 1):
            hosts[place.cell] += 1
            code = f"44200000001320{len(found) + 1:06d}"
            found[f"{place.id}_c{n}"] = _camera(place, n, hosts[place.cell], code) | _drawn(
                place, heard, dice
            )
    return found


def _camera(place: Place, n: int, host: int, code: str) -> Data:
    address = f"10.20.{place.cell + 1}.{host}"
    camera: Data = {
        "name": CAMERA_NAMES.format(point=place.name, n=n),
        "point": place.id,
        "uplink": f"box_{place.cell + 1:02d}{'ab'[host % 2]}",
        "device_code": code,
        "source": {
            "kind": "rtsp",
            "url": f"rtsp://{address}:554/main",
            "sub_url": f"rtsp://{address}:554/sub",
            "username": "lianfang",
            "password": {"env": "LIANFANG_CAMERA_PASSWORD"},
        },
        "record": {"model": "JX-200 枪型摄像机", "function_type": "1"},
        "fps": _FPS.get(place.kind.id, 2),
    }
    if place.kind.id in _DETECTORS:
        camera["detectors"] = _DETECTORS[place.kind.id]
    return camera


def _drawn(place: Place, heard: list[str], dice: random.Random) -> Data:
    """Return zones, and the fence along some banks. Every picture is a little different."""
    top, middle = round(0.35 + 0.1 * dice.random(), 3), round(0.6 + 0.1 * dice.random(), 3)
    left, right = round(0.1 * dice.random(), 3), round(0.9 + 0.1 * dice.random(), 3)
    near: Data = {"polygon": [[left, middle], [right, middle], [1, 1], [0, 1]]}
    if heard:
        near["speakers"] = heard
    if place.kind.id != "river":
        return {"zones": {_ZONES.get(place.kind.id, "area"): near}}
    water = {"polygon": [[left, top], [right, top], [right, middle], [left, middle]], "kind": "water"}
    drawn: Data = {
        "zones": {"bank": {"name": "岸边", "kind": "bank", **near}, "water": {"name": "水面", **water}}
    }
    if place.id.endswith("5"):
        drawn["lines"] = {"fence": {"start": [left, middle], "end": [right, middle], "zone": "bank"}}
    return drawn


_ZONES = {"school": "lane", "gate": "lane", "bins": "station", "square": "square"}


def _with_speaker(placed: Sequence[Place]) -> Iterator[Place]:
    for kind, count in _SPEAKERS.items():
        of_kind = [place for place in placed if place.kind.id == kind]
        yield from (of_kind[i * len(of_kind) // count] for i in range(count))


def speakers(placed: Sequence[Place]) -> Data:
    """Return the 30 cloud-broadcast devices (云广播): every third one is on 4G, behind a broker."""
    found: Data = {}
    for i, place in enumerate(_with_speaker(placed)):
        shared: Data = {
            "name": {"zh": f"{place.name}音柱"},
            "homes_m": 40 if place.kind.id == "bins" else 120,
        }
        if i % 3:
            how: Data = {
                "kind": "speaker_http",
                "base_url": f"http://10.20.{place.cell + 1}.{200 + i}:8801",
                "token": {"env": "LIANFANG_SPEAKER_TOKEN"},
            }
        else:
            device = f"86348805{i:07d}"
            how = {
                "kind": "speaker_mqtt",
                "broker": _BROKER,
                "command_topic": f"speakers/{device}/cmd",
                "result_topic": f"speakers/{device}/result",
                "status_topic": f"speakers/{device}/status",
            }
        found[f"horn_{place.id}"] = how | shared
    return found


def sensors(placed: Sequence[Place]) -> Data:
    """Return the sensors."""
    found: Data = {}
    for kind, of_kind in _SENSORS.items():
        standing = [place for place in placed if place.kind.id == kind]
        for every, what, name, unit, low, high in of_kind:
            for place in standing[::every]:
                measured = {"kind": what, "unit": unit, "low": low, "high": high}
                source = _published(f"{what}_{place.id}", {"value": "/value", "time": "/time"})
                found[f"{what}_{place.id}"] = {
                    "name": f"{place.name}{name}",
                    "point": place.id,
                    **measured,
                    "source": source,
                }
    gates = [place for place in placed if place.kind.id == "gate"]
    return found | _readers(gates) | _warners(gates[::4])


def brokers() -> Data:
    """Return the broker of the sensors, which is that of the speakers."""
    return {"town": _BROKER}


def _published(topic: str, payload: Data) -> Data:
    return {"kind": "mqtt", "broker": "town", "topic": f"sensors/{topic}", "payload": payload}


def _readers(gates: Sequence[Place]) -> Data:
    """Return what reads cards and plates at gates."""
    payload = {
        "value": "/granted",
        "id": "/event",
        "attributes": {"card": "/card", "plate": "/plate", "direction": "/direction"},
    }
    return {
        f"access_{place.id}": {
            "name": f"{place.name}门禁",
            "point": place.id,
            "kind": "access",
            "silent_s": None,
            "source": _published(f"access_{place.id}", payload),
        }
        for place in gates
    }


def _warners(gates: Sequence[Place]) -> Data:
    """Return the platform against frauds, once for each gate that it warns of."""

    def push(place: Place) -> Data:
        words = {"高": 3, "中": 2, "低": 1}
        payload = {"value": "/level", "words": words, "id": "/number", "match": {"/place": place.id}}
        return {"gateway": "anti_fraud", "payload": payload | {"attributes": {"text": "/text"}}}

    return {
        f"fraud_{place.id}": {
            "name": f"反诈预警{place.name}",
            "point": place.id,
            "kind": "warning",
            "silent_s": None,
            "push": push(place),
        }
        for place in gates
    }
