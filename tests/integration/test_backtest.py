"""Back-tests over a real log and a real store, by the command that people type."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alerts.store import Store, versions
from alerts.store.schema import EvidenceRow, IncidentRow
from deploy.backtest.command import main
from lianfang import codec
from lianfang.bus.embedded import EmbeddedBus
from lianfang.config import Config
from lianfang.config.changes import read
from lianfang.events import OBSERVATIONS
from tests.support.configs import BASE, changed, loaded, write
from tests.support.observations import at, observation

IN = (0.5, 0.9)


def log(config: Config) -> None:
    """Log what was seen: one person for 20 s, nobody for five minutes, another one for 2 s."""
    bus = EmbeddedBus.own(config.data_dir)
    one = [observation(t, {1: IN}) for t in range(20)]
    nobody = [observation(t, {}) for t in range(20, 320)]
    other = [observation(320 + t / 5, {2: IN}) for t in range(10)]
    for seen in (*one, *nobody, *other):
        bus.publish(OBSERVATIONS, seen.camera_id, *codec.encode_event(seen))
    bus.publish(OBSERVATIONS, "cam", b"no observation", {}).result(30)
    bus.close()


def had(config: Config, name: str, seconds: float, state: str) -> None:
    """Let the store have an incident that opened then."""
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    row: dict[str, Any] = {
        "rule": "entry",
        "place": "bank",
        "point": "bank",
        "camera": "cam",
        "zone": "water",
    }
    row |= {"severity": "high", "occupied": False, "unseen": False, "version": 1, "people": 1}
    row |= {"members_total": 1, "members": [], "settings_version": "v"}
    row |= {when: at(seconds) for when in ("opened_at", "updated_at", "last_seen_at")}
    with store.write() as session:
        session.add(IncidentRow(id=name, state=state, **row))
    store.close()


def kept(config: Config, incident: str, jpeg: bytes) -> None:
    """Let the store have kept a picture of the incident."""
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    (config.data_dir / "evidence").mkdir(exist_ok=True)
    (config.data_dir / "evidence" / "a.jpg").write_bytes(jpeg)
    row: dict[str, Any] = {"state": "kept", "camera": "cam", "zone": "water", "annotated": "a.jpg"}
    row |= {"captured_at": at(2.5), "decided_at": at(2.5), "reference": {}, "boxes": []}
    with store.write() as session:
        session.add(EvidenceRow(id="e", incident_id=incident, **row))
    store.close()


@pytest.fixture
def site(tmp_path: Path) -> Config:
    """Return a configuration with a log, and with what operators made of it."""
    config = loaded(tmp_path)
    log(config)
    had(config, "a", 2.5, "confirmed")
    had(config, "b", 321, "false_alarm")
    return config


def backtest(folder: Path, *arguments: str, rule: Mapping[str, object] | None = None) -> int:
    data = changed(*((f"rules.entry.{key}", value) for key, value in (rule or {}).items()))
    return main([str(write(folder, data)), *arguments])


@pytest.mark.usefixtures("site")
def test_the_same_rules_raise_what_was_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(tmp_path) == 0
    *table, said = capsys.readouterr().out.splitlines()
    lines = list(csv.DictReader(table))
    assert [(line["opened_at"], line["was"]) for line in lines] == [
        ("2026-07-01T14:00:02+08:00", "confirmed"),
        ("2026-07-01T14:05:20+08:00", "false_alarm"),
    ]
    assert said == "2 incidents: 1 confirmed, 1 false_alarm; not raised any more: none"


@pytest.mark.usefixtures("site")
def test_another_rule_raises_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(tmp_path, rule={"frames": 15}) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "1 incidents: 1 confirmed; not raised any more: 1 false_alarm"


@pytest.mark.usefixtures("site")
def test_a_span_of_time_with_what_came_before_it_in_mind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(tmp_path, "--from", "2026-07-01T14:00:10", "--json", str(tmp_path / "a.json")) == 0
    (line,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert line["opened_at"] == "2026-07-01T14:05:20+08:00", "who was there at 14:00:10 had come before"
    assert backtest(tmp_path, "--to", "2026-07-01T14:00:02", "--csv", str(tmp_path / "a.csv")) == 0
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()[1:] == []
    assert capsys.readouterr().out.splitlines()[-1] == "0 incidents: none; not raised any more: none"


def test_it_reads_beside_the_installation_that_runs(site: Config, tmp_path: Path) -> None:
    bus = EmbeddedBus.own(site.data_dir)
    try:
        assert backtest(tmp_path, "--csv", str(tmp_path / "a.csv")) == 0
    finally:
        bus.close()
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()) == 3


def test_the_pictures_are_the_evidence_of_the_same_incidents(
    site: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(site, "a", b"a picture")
    assert backtest(tmp_path, "--pictures", str(tmp_path / "hits")) == 0
    (picture,) = (tmp_path / "hits").iterdir()
    assert picture.name.startswith("20260701-140002-entry-bank-")
    assert picture.read_bytes() == b"a picture"
    assert capsys.readouterr().out.splitlines()[-1] == f"1 pictures in {tmp_path / 'hits'}"
    assert backtest(tmp_path, "--pictures", str(tmp_path / "hits")) == 2, "none is overwritten"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "exit"], "no rule is called exit; allowed: entry"),
        (["--from", "yesterday"], "yesterday"),
        (["--video", "a.mp4"], "--video needs --camera; allowed: cam, cam2"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err


def test_versions_are_laid_over_the_file_unless_it_is_to_stand_alone(
    site: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(f"sqlite:///{site.data_dir / 'store.sqlite3'}")
    late = {**BASE["rules"]["entry"], "frames": 9}
    for changes in ({"rules": {"late": late}}, {"cameras_off": ["cam"]}):
        with store.write() as session:
            versions.add(session, read(changes), "chen", "", versions.newest(session), at(100))
    store.close()

    def rules(*arguments: str) -> list[str]:
        assert backtest(tmp_path, "--json", str(tmp_path / "a.json"), *arguments) == 0
        return [line["rule"] for line in json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))]

    assert rules() == ["entry"], "since the second version nobody looks"
    assert "versions 1 to 2 are laid over the file" in capsys.readouterr().err
    assert rules("--version", "0") == ["entry", "entry"]
    assert rules("--version", "1") == ["entry", "late", "entry", "late"]
    assert rules("--version", "1", "--rule", "late") == ["late", "late"]
    assert rules("--version", "2") == []
    assert backtest(tmp_path, "--version", "3") == 2
    assert capsys.readouterr().err == "no version 3; allowed: 0 (the file alone) to 2\n"
