"""The examples of docs/rules.md are a configuration that loads, and show every kind of rule."""

from __future__ import annotations

from pathlib import Path

import yaml

from lianfang import plugins
from tests.support.configs import SQUARE, loaded
from tests.support.readings import GAUGE

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_examples_are_good(tmp_path: Path) -> None:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("```yaml\n")
    rules = yaml.safe_load(rest.partition("```")[0])["rules"]
    assert {rule["kind"] for rule in rules.values()} == set(plugins.kinds("alerts.rules"))
    (tmp_path / "wanted.csv").write_text("plate,from,until\n粤T12345,,2026-07-01T18:00\n", encoding="utf-8")
    (tmp_path / "cards.csv").write_text("card,plate,from,until\n0412,,,\n", encoding="utf-8")
    labels = ["person", "bicycle", "motorcycle", "car", "bus", "truck"]
    camera = {"name": "一号", "point": "bank", "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1:8554/a"}}
    shore = {
        "shore": {"polygon": SQUARE, "kind": "bank", "speakers": ["horn"]},
        "pool": {"polygon": SQUARE, "kind": "water"},
    }
    fence = {"fence": {"start": [0.2, 0.5], "end": [0.8, 0.5], "zone": "shore"}}
    lane = {"lane": {"polygon": SQUARE, "speakers": ["horn"]}}
    passed = {name: {**GAUGE, "silent_s": None} for name in ("door", "gate_reader", "anti_fraud")}
    config = loaded(
        tmp_path,
        (
            "detectors",
            {
                "objects": {"kind": "objects", "engine": {"kind": "onnx"}, "labels": labels},
                "heads": {"kind": "helmet"},
                "plates": {"kind": "plate"},
                "litter": {"kind": "garbage"},
                "river": {"kind": "river"},
            },
        ),
        (
            "cameras",
            {
                "bank": {
                    **camera,
                    "detectors": ["objects", "river"],
                    "zones": shore,
                    "lines": fence,
                },
                "gate": {
                    **camera,
                    "detectors": ["objects", "heads", "plates", "litter"],
                    "zones": lane,
                },
                "back_gate": {**camera, "detectors": ["objects", "plates"], "zones": lane},
            },
        ),
        ("sensors", {"gauge": GAUGE, "motion": {**GAUGE, "kind": "motion"}, **passed}),
        ("rules", rules),
    )
    assert len(config.rules) == len(rules)


def test_the_example_of_time_limits_is_good(tmp_path: Path) -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:]
    (example,) = (text.partition("```")[0] for text in blocks if text.startswith("escalation:"))
    changes = yaml.safe_load(example)
    hook = {"kind": "webhook", "url": "http://police.test/", "secrets": [{"env": "TEST_SECRET"}]}
    config = loaded(tmp_path, ("receivers.grid_app", hook), *changes.items())
    assert len(config.limits("critical").tiers) == 2
