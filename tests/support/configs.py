"""Small configurations for tests, built in Python and checked like any other."""

from __future__ import annotations

import base64
import copy
from pathlib import Path
from typing import Any

import yaml

from lianfang.config import Config, load

SECRETS = {
    "TEST_TOKEN": "speaker-token",
    "TEST_SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(),
    "TEST_PASSWORD": "operator-password",
}
"""What the environment must hold for the configurations below."""

SQUARE = [[0.2, 0.2], [0.8, 0.2], [0.8, 1.0], [0.2, 1.0]]

BASE: dict[str, Any] = {
    "data_dir": "data",
    "networks": ["127.0.0.0/8", "10.0.0.0/8"],
    "community": {"name": "测试社区", "trial_days": 0},  # else nothing is said for a week
    "points": {"bank": {"name": "东岸"}, "gate": {"name": "校门"}},
    "detectors": {"objects": {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["person", "boat"]}},
    "cameras": {
        "cam": {
            "name": "一号",
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1:8554/a"},
            "zones": {"water": {"name": "水边", "polygon": SQUARE, "speakers": ["horn"]}},
        },
        "cam2": {
            "name": "二号",
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1:8554/b"},
            "zones": {"water": {"polygon": SQUARE, "speakers": ["horn"]}},
        },
    },
    "rules": {
        "entry": {
            "kind": "zone_entry",
            "name": "有人进入",
            "cameras": ["cam", "cam2"],
            "zones": ["water"],
            "frames": 3,
            "speech": {"text": "请离开{place}", "again_s": 3600},
            "notify": [{"receiver": "police", "mode": "drill"}],
        }
    },
    "receivers": {
        "horn": {"kind": "speaker_http", "base_url": "http://127.0.0.1:1", "token": {"env": "TEST_TOKEN"}},
        "police": {"kind": "webhook", "url": "http://police.test/", "secrets": [{"env": "TEST_SECRET"}]},
    },
}


RIVER: tuple[tuple[str, Any], ...] = (
    ("detectors.river", {"kind": "river"}),
    ("cameras.cam.detectors", ["objects", "river"]),
    ("cameras.cam.zones.water.kind", "water"),
)
"""Changes after which the first camera says who is in the water."""


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """Return the base configuration with dotted keys set; the value ``...`` removes the key."""
    data = copy.deepcopy(BASE)
    for path, value in changes:
        *parents, last = path.split(".")
        at: Any = data
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at[part]
        if value is ...:
            del at[last]
        elif isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value
    return data


def write(folder: Path, data: dict[str, Any] | str) -> Path:
    """Write a configuration and return its path."""
    file = folder / "site.yaml"
    text = data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, *changes: tuple[str, Any]) -> Config:
    """Return the base configuration with ``changes``, loaded from ``folder``."""
    return load(write(folder, changed(*changes)))
