"""The configuration itself: whom it watches for, what looks at the pictures, and rules of every family."""

from __future__ import annotations

from collections.abc import Callable

from deploy.community.devices import CAMERA_NAMES, Data, brokers
from deploy.community.names import RIVERS

HEAD = """\
# A whole community, invented: 177 points, 264 cameras, 30 speakers. Made by `python -m deploy.community`;
# the points and devices stand in the files of the inventory. Secrets stand in the environment.
"""
INVENTORY = ["points.yaml", "cameras.yaml", "speakers.yaml", "sensors.yaml", "grid.yaml"]
_POLICE = [{"receiver": "police", "mode": "live"}]
_NOT_BY_DAY = [{"begin": "22:00", "end": "06:00"}]
_SCHOOL_DAYS = ["mon", "tue", "wed", "thu", "fri"]


def site(inventory: Data) -> Data:
    """Return everything that is not the inventory. The rules name its cameras and sensors."""
    cameras, sensors = inventory["cameras"], inventory["sensors"]

    def seen_by(kind: str, having: str = "") -> list[str]:
        return [
            name
            for name, one in cameras.items()
            if name.startswith(f"{kind}_") and (not having or having in one)
        ]

    def measured(kind: str) -> list[str]:
        return [name for name, one in sensors.items() if one["kind"] == kind]

    rules = _river(seen_by, measured) | _street(seen_by) | _waste(seen_by, measured)
    rules |= _gates(measured) | _devices(inventory)
    return {**_base(), "rules": rules, "receivers": _RECEIVERS}


def _base() -> Data:
    labels = ["person", "bicycle", "motorcycle", "car", "bus", "truck"]
    return {
        "inventory": INVENTORY,
        "data_dir": "data",
        "community": {
            "name": f"{RIVERS[0].removesuffix('涌')}社区",
            "timezone": "Asia/Shanghai",
            "languages": ["zh", "yue"],
            "camera_names": CAMERA_NAMES,
        },
        "api": {
            "host": "127.0.0.1",
            "operators": {
                "duty": {"name": "值班员", "password_hash": {"env": "LIANFANG_DUTY_PASSWORD_HASH"}},
                "lead": {
                    "name": "值班长",
                    "role": "administrator",
                    "password_hash": {"env": "LIANFANG_LEAD_PASSWORD_HASH"},
                },
            },
        },
        "on_call": {"order": [{"operator": "duty"}, {"operator": "lead"}]},
        "networks": ["10.20.0.0/16"],
        "brokers": brokers(),
        "gateways": {"anti_fraud": {"name": "反诈平台", "token": {"env": "LIANFANG_FRAUD_TOKEN"}}},
        "detectors": {
            "objects": {"kind": "objects", "engine": {"kind": "onnx"}, "labels": labels},
            "water": {"kind": "river"},
            "heads": {"kind": "helmet"},
            "plates": {"kind": "plate"},
            "litter": {"kind": "garbage"},
        },
    }


_RECEIVERS: Data = {
    "police": {
        "kind": "webhook",
        "name": {"zh": "警务平台", "en": "police platform"},
        "url": "http://10.20.0.10:8443/incidents",
        "secrets": [{"env": "LIANFANG_POLICE_SECRET"}],
    },
    "grid_app": {
        "kind": "webhook",
        "name": {"zh": "网格通", "en": "grid app"},
        "url": "http://10.20.0.11:8080/tasks",
        "secrets": [{"env": "LIANFANG_GRID_SECRET"}],
    },
}


def _river(seen_by: Callable[..., list[str]], measured: Callable[[str], list[str]]) -> Data:
    banks = seen_by("river")
    say = {"zh": "您已进入{place}危险区，水深危险，请马上离开。", "yue": "呢度水深危险，请即刻离开。"}
    return {
        "in_the_water": {
            "kind": "zone_entry",
            "name": {"zh": "有人落水", "en": "Person in the water"},
            "cameras": banks,
            "zones": ["bank", "water"],
            "match": "any",
            "having": {"in_water": [True]},
            "severity": "critical",
            "life_safety": True,
            "speech": {"text": {"zh": "{place}有人落水，附近的人请帮忙报警。"}, "again_s": 20},
            "notify": _POLICE,
        },
        "bank_entry": {
            "kind": "zone_entry",
            "name": {"zh": "有人进入河岸危险区", "en": "Person at the river bank"},
            "cameras": banks,
            "zones": ["bank"],
            "frames": 3,
            "severity": "high",
            "life_safety": True,
            "speech": {"text": say, "again_s": 30, "times": 2},
            "notify": [{"receiver": "police", "mode": "drill", "since": "escalated"}],
        },
        "lingering": {
            "kind": "loitering",
            "name": {"zh": "夜间水边逗留", "en": "Lingering at the water by night"},
            "cameras": banks,
            "zones": ["bank"],
            "dwell_s": 60,
            "active": {"windows": _NOT_BY_DAY},
            "inhibited_by": ["in_the_water"],
        },
        "over_the_fence": {
            "kind": "line_crossing",
            "name": {"zh": "翻越护栏", "en": "Over the fence"},
            "cameras": seen_by("river", "lines"),
            "lines": ["fence"],
            "direction": "both",
        },
        "flood": {
            "kind": "reading",
            "name": {"zh": "水位过高", "en": "Water too high"},
            "sensors": measured("water_level"),
            "at_least": 3.2,
            "until": 3.0,
            "for_s": 60,
            "severity": "critical",
            "life_safety": True,
            "speech": {"text": {"zh": "{place}水位上涨，请离开岸边。"}},
        },
    }


def _street(seen_by: Callable[..., list[str]]) -> Data:
    return {
        "school_gate": {
            "kind": "helmet",
            "name": {"zh": "上学时段头盔", "en": "Helmets at school time"},
            "cameras": seen_by("school"),
            "zones": ["lane"],
            "rush": {"windows": [{"begin": "07:10", "end": "07:50", "days": _SCHOOL_DAYS}]},
            "speech": {"text": {"zh": "请戴好安全头盔。"}, "again_s": 60},
        },
        "wanted": {
            "kind": "plate",
            "name": {"zh": "布控车辆", "en": "Wanted vehicle"},
            "cameras": seen_by("gate"),
            "zones": ["lane"],
            "report": "listed",
            "list": "wanted.csv",
            "severity": "critical",
            "notify": [{"receiver": "police", "mode": "live", "updates": False}],
        },
        "square_full": {
            "kind": "crowd",
            "name": {"zh": "人群聚集", "en": "Crowd"},
            "cameras": seen_by("square"),
            "zones": ["square"],
            "at_least": 30,
            "until": 20,
            "for_s": 10,
        },
        "yard_at_night": {
            "kind": "zone_entry",
            "name": {"zh": "长者夜间外出", "en": "Elders outside at night"},
            "cameras": seen_by("elder"),
            "zones": ["area"],
            "frames": 5,
            "active": {"windows": _NOT_BY_DAY},
            "severity": "medium",
        },
        "road_blocked": {
            "kind": "loitering",
            "name": {"zh": "有人滞留路面", "en": "Somebody stays on the road"},
            "cameras": seen_by("road"),
            "zones": ["area"],
            "dwell_s": 120,
            "severity": "medium",
        },
    }


def _waste(seen_by: Callable[..., list[str]], measured: Callable[[str], list[str]]) -> Data:
    hours = {"windows": [{"begin": "07:00", "end": "09:00"}, {"begin": "18:00", "end": "21:00"}]}
    return {
        "litter": {
            "kind": "left_object",
            "name": {"zh": "乱丢垃圾", "en": "Litter"},
            "cameras": seen_by("bins"),
            "zones": ["station"],
            "active": {**hours, "outside": True},
            "severity": "low",
            "speech": {"text": {"zh": "请按时投放，把垃圾带走。"}, "thanks": {"zh": "谢谢配合。"}},
        },
        "sorting": {
            "kind": "arrival_reminder",
            "name": {"zh": "分类提醒", "en": "Sorting reminder"},
            "cameras": seen_by("bins"),
            "zones": ["station"],
            "active": hours,
            "speech": {"text": {"zh": "请分类投放垃圾。"}, "again_s": 300, "times": 20},
        },
        "bin_full": {
            "kind": "reading",
            "name": {"zh": "垃圾桶满溢", "en": "Bin full"},
            "sensors": measured("fill"),
            "at_least": 90,
            "until": 30,
            "severity": "low",
        },
        "smoke": {
            "kind": "reading",
            "name": {"zh": "烟雾", "en": "Smoke"},
            "sensors": measured("smoke"),
            "at_least": 10,
            "until": 5,
            "severity": "critical",
        },
    }


def _gates(measured: Callable[[str], list[str]]) -> Data:
    return {
        "watched_pass": {
            "kind": "access",
            "name": {"zh": "门禁布控", "en": "Watched at a gate"},
            "sensors": measured("access"),
            "report": "listed",
            "list": "passes.csv",
            "notify": _POLICE,
        },
        "fraud": {
            "kind": "warning",
            "name": {"zh": "反诈预警", "en": "Fraud warning"},
            "sensors": measured("warning"),
            "at_least": 2,
            "speech": {"text": {"zh": "请勿向陌生人转账。"}},
        },
    }


def _devices(inventory: Data) -> Data:
    def all_of(section: str) -> list[str]:
        return list(inventory[section])

    return {
        "camera_faults": {
            "kind": "device",
            "name": {"zh": "摄像机故障", "en": "Camera fault"},
            "cameras": all_of("cameras"),
            "conditions": ["offline", "blind"],
            "severity": "medium",
        },
        "speaker_faults": {
            "kind": "device",
            "name": {"zh": "音柱故障", "en": "Speaker fault"},
            "speakers": all_of("receivers"),
            "severity": "medium",
        },
        "sensor_faults": {
            "kind": "device",
            "name": {"zh": "传感器故障", "en": "Sensor fault"},
            "sensors": all_of("sensors"),
            "severity": "medium",
        },
    }
