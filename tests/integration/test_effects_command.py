"""``lianfang report effects``: a table, all of it as JSON, and what is wrong with what was asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from alerts.reports.command import main
from alerts.store import open_store
from lianfang.config import load
from tests.contract.test_effects import incident, said
from tests.support.configs import SECRETS, changed, write


def test_the_command_writes_a_table_and_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    site = write(tmp_path, changed())
    store = open_store(load(site))
    incident(store, "a", 2, clear_s=12, state="false_alarm")
    said(store, "a", 2)
    store.close()
    arguments = ["effects", str(site), "--from", "2025-06-02", "--to", "2025-06-09"]
    files = ["--csv", str(tmp_path / "e.csv"), "--json", str(tmp_path / "e.json")]
    assert main([*arguments, *files]) == 0
    out = capsys.readouterr().out
    assert "false broadcasts at night a speaker and week: 1.0 at most, horn (aim: at most 1)" in out
    with (tmp_path / "e.csv").open(encoding="utf-8-sig") as table:
        (row,) = csv.DictReader(table)
    assert (row["rule"], row["cleared_1"], row["median_s"]) == ("bank", "1", "12.0")
    assert json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))["night_a_week"] == {"horn": 1.0}
    assert main([*arguments[:-1], "2025-06-02"]) == 2
    assert "is not before" in capsys.readouterr().err
