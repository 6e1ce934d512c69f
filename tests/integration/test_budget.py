"""A storm: more broadcasts than a community listens to. People are told, and the console says so once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.store import Store
from lianfang.config.community import Broadcasts
from tests.integration.test_suppression import SPOT, owed, play, timeline
from tests.support.api import Client, Site, config, serving
from tests.support.configs import loaded
from tests.support.observations import at, observation

EVERY_MINUTE = {"text": "请离开{place}", "again_s": 60, "times": 20}


def storm(store: Store, folder: Path, *changes: tuple[str, Any], minutes: int = 6) -> list[int]:
    """Let two people stand at two places; return the minutes at which anything was said."""
    site = loaded(
        folder,
        ("rules.entry.frames", 1),
        ("rules.entry.speech", EVERY_MINUTE),
        ("cameras.cam2.zones.water.place", "other"),
        ("receivers.horn.per_hour", 100),
        *changes,
    )
    seen = [
        observation(minute * 60 + i * 10, {1: SPOT}, camera=camera)
        for minute in range(minutes)
        for i, camera in enumerate(("cam", "cam2"))
    ]
    play(store, site, [], seen)
    return [round((moment - at(0)).total_seconds()) // 60 for moment, _ in owed(store, "speech")]


def test_beyond_the_budget_of_the_community_people_are_told(store: Store, tmp_path: Path) -> None:
    assert storm(store, tmp_path, ("community.broadcasts", {"per_hour": 5})) == [0, 0, 1, 1, 2]
    assert timeline(store).count(("unsaid", "budget")) == 2, "once each, not with every picture"
    assert timeline(store).count(("escalated", "budget")) == 2


def test_a_camera_has_a_budget_of_its_own(store: Store, tmp_path: Path) -> None:
    two = ("community.broadcasts", {"camera_per_hour": 2})
    assert storm(store, tmp_path, two) == [0, 0, 1, 1]


def test_what_was_said_an_hour_ago_is_forgotten(store: Store, tmp_path: Path) -> None:
    four = ("community.broadcasts", {"per_hour": 4})
    assert storm(store, tmp_path, four, minutes=62) == [0, 0, 1, 1, 60, 60, 61, 61]


def test_what_may_save_a_life_is_said_all_the_same(store: Store, tmp_path: Path) -> None:
    none = ("community.broadcasts", {"per_hour": 1, "camera_per_hour": 1})
    assert len(storm(store, tmp_path, none, ("rules.entry.life_safety", True))) == 12


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    opened = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), opened)
    opened.close()


@pytest.mark.parametrize(
    ("bounds", "used_up", "cameras"),
    [
        (Broadcasts(), False, []),
        (Broadcasts(per_hour=2), True, ["lake_north", "lake_south"]),
        (Broadcasts(camera_per_hour=1), False, ["lake_north", "lake_south"]),
    ],
)
def test_the_console_is_told(site: Site, bounds: Broadcasts, used_up: bool, cameras: list[str]) -> None:
    community = site.config.community.model_copy(update={"broadcasts": bounds})
    there = Site(site.config.model_copy(update={"community": community}), site.store)
    for n, camera in enumerate(("lake_north", "lake_south")):
        there.say(there.open_incident(n, camera=camera), "请离开", at=there.clock.now())
    with serving(there.app()) as port:
        client = Client(port)
        client.login()
        shown = client.get("/api/broadcasts").json
    assert (shown["said"], shown["used_up"]) == (2, used_up)
    assert [camera["id"] for camera in shown["cameras"]] == cameras
