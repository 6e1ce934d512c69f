"""Cases with time limits: a grid worker after two minutes by itself, the police after five by a person."""

from __future__ import annotations

from pathlib import Path

from lianfang.config import Config
from tests.support.configs import loaded

TIERS = [
    {"name": {"zh": "网格员", "en": "Grid worker"}, "after_s": 120, "cell": True},
    {
        "name": "警方",
        "after_s": 300,
        "unless": "handled",
        "to": ["police"],
        "mode": "live",
        "automatic": False,
    },
]
HOOK = {"kind": "webhook", "url": "http://police.test/", "secrets": [{"env": "TEST_SECRET"}]}


def cases(tmp_path: Path) -> Config:
    """Return a community with one point, a grid cell and limits for what its rule raises."""
    return loaded(
        tmp_path,
        ("rules.entry.frames", 1),
        ("rules.entry.speech", None),
        ("rules.entry.notify", []),
        ("receivers.grid_app", HOOK),
        ("grid_cells", {"east": {"name": "东网格", "points": ["bank"], "receiver": "grid_app"}}),
        ("escalation", {"high": {"acknowledge_s": 60, "handle_s": 600, "tiers": TIERS}}),
    )


def called(tmp_path: Path) -> Config:
    """Return the same community without tiers, where one person after the other is called after 60 s."""
    order = [{"operator": "wang", "to": ["grid_app"]}, {"operator": "li"}]
    people = {
        "wang": {"name": "王芳", "password": {"env": "TEST_SECRET"}},
        "li": {"name": "李强", "password": {"env": "TEST_SECRET"}},
    }
    return loaded(
        tmp_path,
        ("rules.entry.frames", 1),
        ("rules.entry.speech", None),
        ("rules.entry.notify", []),
        ("receivers.grid_app", HOOK),
        ("api", {"operators": people}),
        ("escalation", {}),
        ("on_call", {"order": order}),
    )
