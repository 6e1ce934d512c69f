"""Cameras of guests in the configuration: what results from them, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from lianfang.config import Config
from lianfang.config.changes import Changes, applied, read
from lianfang.config.sharing import log_keys
from lianfang.errors import ConfigError
from tests.support.configs import BASE, loaded

SHOP: dict[str, Any] = {"name": "便民超市门口", "legal_class": "venue", "rules": ["stay"], "near": "gate"}
STAY = {"kind": "loitering", "name": "久留", "cameras": ["cam2"], "zones": ["water"]}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("TEST_GUESTS", Fernet.generate_key().decode())
    guests = {"key": {"env": "TEST_GUESTS"}, "rules": ["stay"]}
    return loaded(tmp_path, ("rules.stay", STAY), ("guests", guests))


def of(**guests: Any) -> Changes:  # noqa: ANN401
    return read({"guests": guests})


def test_a_guest_has_a_point_of_its_own_and_only_the_rules_that_its_owner_allows(config: Config) -> None:
    changes = of(guest_a=SHOP, guest_b={**SHOP, "rules": [], "paused": True})
    resulting = applied(config, changes)
    camera = resulting.cameras["guest_a"]
    assert (camera.name, camera.point, camera.fps, camera.enabled) == ("便民超市门口", "guest_a", 2, True)
    assert not resulting.cameras["guest_b"].enabled
    assert resulting.points["guest_a"].name == "便民超市门口"
    assert resulting.rules["stay"].cameras == ("cam2", "guest_a")  # type: ignore[attr-defined]
    assert resulting.rules["entry"] == config.rules["entry"]
    assert {k: v for k, v in log_keys(resulting).items() if k.startswith("guest_")} == {
        "guest_a": "guest_a",
        "guest_b": "guest_b",
    }
    assert {k: v for k, v in log_keys(resulting).items() if k in log_keys(config)} == log_keys(config)
    assert applied(config, changes.only_off()) == config


def test_where_a_guest_is_and_its_password_are_no_settings() -> None:
    with pytest.raises(ConfigError, match=r"guests.guest_a.source: found the unknown key 'source'"):
        of(guest_a={**SHOP, "source": {"kind": "rtsp", "url": "rtsp://u:p@h/"}})


@pytest.mark.parametrize(
    ("guests", "message"),
    [
        ({"guest_a": {**SHOP, "name": "二楼女更衣室"}}, "guests.guest_a.name: .* the law forbids '更衣'"),
        ({"guest_a": {**SHOP, "installed": "toilet"}}, "guests.guest_a.installed: found 'toilet'"),
        ({"guest_a": {**SHOP, "rules": ["entry"]}}, "rules.0: found 'entry'; allowed: one of stay"),
        (
            {"guest_a": {**SHOP, "near": "moon"}},
            "guests.guest_a.near: found 'moon'; allowed: one of bank, gate",
        ),
        (
            {"guest_a": {**SHOP, "hours": {"windows": [{"days": ["tue", "fest"]}]}}},
            "windows.0.days.1: found 'fest'",
        ),
        (
            {"guest_a": {**SHOP, "hours": {"windows": [{"begin": "sunset"}]}}},
            "hours: found sunrise or sunset",
        ),
        ({"cam": SHOP}, "guests.cam: found 'cam'"),
    ],
)
def test_what_is_wrong_is_said_by_key(config: Config, guests: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        applied(config, of(**guests))


def test_without_guests_in_the_file_nobody_joins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: the file has no `guests`"):
        applied(loaded(tmp_path, ("rules.stay", STAY)), of(guest_a=SHOP))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("guests.key.env", "TEST_TOKEN"), "guests.key: found line 1, which is no key"),
        (("guests.rules", ["over"]), "guests.rules.0: found 'over'; allowed: a rule without lines"),
        (("guests.rules", ["no"]), "guests.rules.0: found 'no'; allowed: one of entry, over, stay"),
        (("guests.rules", ["entry"]), "guests.rules.0: found 'entry'; allowed: a rule that notifies `live`"),
        (("guests.detectors", ["no"]), "guests.detectors.0: found 'no'; allowed: one of objects"),
        (("cameras.guest_x", BASE["cameras"]["cam"]), "guests.key: found camera guest_x of the file"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, Any], message: str
) -> None:
    monkeypatch.setenv("TEST_GUESTS", Fernet.generate_key().decode())
    guests = {"key": {"env": "TEST_GUESTS"}, "rules": ["stay"]}
    line = {"door": {"start": [0, 0], "end": [1, 1], "zone": "water"}}
    over = {
        "kind": "line_crossing",
        "name": "越线",
        "cameras": ["cam"],
        "lines": ["door"],
        "direction": "both",
    }
    rules = (("cameras.cam.lines", line), ("rules.over", over), ("rules.stay", STAY))
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, *rules, ("guests", guests), change)
