"""The rules that clips are held against, each as any site would write it, and what it may be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detectors.stages import garbage, river
from lianfang.config.health import Health

LATE_S, LEFT_LATE_S = 5.0, 30.0
"""So much later than the end of an event an alarm may come: it takes pictures, and an owner must go first."""
VISIBLE = ("person", "bicycle", "motorcycle", "car", "bus", "truck", "boat")
"""What the object stage is asked for."""
STAGES: Mapping[str, dict[str, Any]] = {
    "objects": {"kind": "objects", "engine": {"kind": "onnx"}, "labels": list(VISIBLE)},
    "helmet": {"kind": "helmet"},
    "river": {"kind": "river"},
    "garbage": {"kind": "garbage"},
}
"""In the order in which they look; each with its defaults."""


@dataclass(frozen=True)
class Tested:
    """A rule: its stanza but for cameras and zones, the stages that it needs, and how late it may be."""

    stanza: Mapping[str, Any]
    stages: tuple[str, ...] = ("objects",)
    late_s: float = LATE_S


def _entry(label: str, *stages: str) -> Tested:
    return Tested({"kind": "zone_entry", "labels": [label]}, ("objects", *stages))


RULES: Mapping[str, Tested] = {
    **{label: _entry(label) for label in VISIBLE},
    **{
        f"camera_{fault}": Tested({"kind": "device", "conditions": [f"camera_{fault}"]}, ())
        for fault in Health().watch
    },
    garbage.LABEL: Tested({"kind": "left_object"}, ("objects", "garbage"), LEFT_LATE_S),
    river.LABEL: _entry(river.LABEL, "river"),
    "in_water": Tested(
        {"kind": "zone_entry", "labels": ["person"], "having": {"in_water": [True]}}, ("objects", "river")
    ),
    "bare_head": Tested({"kind": "helmet"}, ("objects", "helmet")),
    "loitering": Tested({"kind": "loitering"}),
    "crowd": Tested({"kind": "crowd"}),
}
"""By what their figures are called."""

NAMES: Mapping[str, str] = {
    **{name: name for name in RULES},
    **dict.fromkeys(("zone_entry", "person_in_zone", "river"), "person"),
    **dict.fromkeys(("garbage", "left_bag"), garbage.LABEL),
    **dict.fromkeys(("helmet", "no_helmet"), "bare_head"),
    "person_in_water": "in_water",
}
"""What a rule may be called in a list of events, and which one is meant."""
