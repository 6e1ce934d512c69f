"""Changes of a running configuration: what results, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianfang.config import Config
from lianfang.config.changes import Changes, applied, read
from lianfang.errors import ConfigError
from tests.support.configs import BASE, loaded

ENTRY: dict[str, Any] = BASE["rules"]["entry"]
LEFT = [[0.2, 0.2], [0.5, 0.2], [0.5, 1.0]]


def of(**changes: Any) -> Changes:  # noqa: ANN401
    return read(changes)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path)


def test_without_changes_it_is_the_file(config: Config) -> None:
    assert applied(config, Changes()) == config


def test_rules_are_replaced_and_added_and_zones_drawn_and_removed(config: Config) -> None:
    entry = {**ENTRY, "cameras": ["cam"]}
    changes = of(
        rules={"entry": {**entry, "severity": "low"}, "more": {**entry, "zones": ["left"]}},
        cameras={"cam": {"zones": {"left": {"polygon": LEFT}}}, "cam2": {"zones": {"water": None}}},
        cameras_off=["cam2", "gone"],
    )
    resulting = applied(config, changes)
    assert [(name, getattr(rule, "severity", "")) for name, rule in resulting.rules.items()] == [
        ("entry", "low"),
        ("more", "high"),
    ]
    assert {name: list(camera.zones) for name, camera in resulting.cameras.items()} == {
        "cam": ["water", "left"],
        "cam2": [],
    }
    assert [camera.enabled for camera in resulting.cameras.values()] == [True, False]
    assert resulting.cameras["cam"].zones["left"].polygon[1] == (0.5, 0.2)
    assert config.cameras["cam2"].enabled
    assert applied(config, changes.only_off()).rules == config.rules


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": {"entry": {**ENTRY, "frames": 0}}}, "rules.entry.frames: found 0; allowed: greater than"),
        (
            {"rules": {"entry": {**ENTRY, "framse": 3}}},
            r"the unknown key 'framse'; .*did you mean 'frames'",
        ),
        ({"rules": {"entry": {**ENTRY, "kind": "x"}}}, "rules.entry.kind: found 'x'; allowed: .*zone_entry"),
        (
            {"rules": {"entry": {**ENTRY, "cameras": ["no"]}}},
            "cameras.0: found 'no'; allowed: one of",
        ),
        ({"rules": {"No": ENTRY}}, "rules.No: found 'No'; allowed: an id"),
        ({"cameras": {"no": {"zones": {}}}}, "cameras.no: found 'no'; allowed: one of cam, cam2"),
        (
            {"cameras": {"cam": {"zones": {"water": {"polygon": LEFT[:2]}}}}},
            "cameras.cam.zones.water.polygon: found .* at least 3 items",
        ),
        (
            {"cameras": {"cam": {"zones": {"water": {"polygon": LEFT, "speakers": ["no"]}}}}},
            "cameras.cam.zones.water.speakers.0: found 'no'; allowed: one of horn",
        ),
    ],
)
def test_what_is_wrong_is_said_by_key(config: Config, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        applied(config, read(changes))


def test_what_belongs_together_by_the_file_alone_stays_so(tmp_path: Path) -> None:
    config = loaded(tmp_path, ("cameras.cam2.point", "gate"))
    pool = {"polygon": LEFT, "place": "pool"}
    both = {camera: {"zones": {"pool": pool}} for camera in ("cam", "cam2")}
    assert applied(config, of(cameras={"cam": both["cam"]})).cameras["cam"].zones["pool"].place == "pool"
    with pytest.raises(ConfigError, match="cam2: found cam2 together with cam; allowed: no change here"):
        applied(config, of(cameras=both))
    speakers = {"kind": "device", "name": "故障", "speakers": ["horn"]}
    with pytest.raises(ConfigError, match="horn: found horn together with cam; allowed: no change here"):
        applied(config, of(rules={"faults": speakers}))


def test_a_profile_must_fit_too(tmp_path: Path) -> None:
    night = {"name": "夜", "priority": 1, "cameras": {"cam": {"zones": {"water": {"polygon": LEFT}}}}}
    config = loaded(tmp_path, ("profiles", {"night": night}), ("rules.entry.cameras", ["cam2"]))
    with pytest.raises(ConfigError, match=r"profiles\.night\.cameras\.cam\.zones\.water: found 'water'"):
        applied(config, of(cameras={"cam": {"zones": {"water": None}}}))


def test_no_file_is_read_that_the_configuration_file_does_not_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("plate,from,until\n", encoding="utf-8")
    plate = {"kind": "plate", "name": "车", "cameras": ["cam"], "zones": ["water"], "report": "listed"}
    config = loaded(
        tmp_path,
        ("detectors.plates", {"kind": "plate"}),
        ("detectors.objects.labels", ["person", "car", "bus", "truck"]),
        ("cameras.cam.detectors", ["objects", "plates"]),
        ("rules.plate", {**plate, "list": "a.csv"}),
    )
    known = str(tmp_path / "a.csv")
    with pytest.raises(ConfigError, match=r"lists\.b\.csv: found 'b\.csv'; allowed: one of a\.csv"):
        applied(config, of(lists={"b.csv": "plate,from,until\n"}))
    wrong = "plate,from,until\nx,,\n粤T12345,2027-01-01,2026-01-01\n"
    with pytest.raises(
        ConfigError, match=r"plate\.list: found .*a\.csv:2: plate: found 'x'(?s:.*)a\.csv:3: until"
    ):
        applied(config, of(lists={"a.csv": wrong}))
    applied(config, of(rules={"plate": {**plate, "list": known, "severity": "low"}}))
    for path in ("a.csv", "/etc/passwd"):
        with pytest.raises(ConfigError, match=rf"rules\.plate\.list: found '{path}'; allowed: .*{known}"):
            applied(config, of(rules={"plate": {**plate, "list": path}}))
    clip = {**ENTRY, "speech": {"text": "请离开", "clips": {"zh": "/etc/passwd"}}}
    with pytest.raises(ConfigError, match=r"rules\.entry\.speech\.clips\.zh: found '/etc/passwd'"):
        applied(config, of(rules={"entry": clip}))


@pytest.mark.parametrize("data", [{"rule": {}}, {"rules": []}, {"cameras": {"cam": {"zone": {}}}}])
def test_what_are_no_changes_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="changes: "):
        read(data)
