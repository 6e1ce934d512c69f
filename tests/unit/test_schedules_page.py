"""The examples of docs/schedules.md are good ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml

from tests.support.configs import loaded

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")


def example(kind: str, n: int = 0) -> str:
    """Return the ``n``-th block of that kind on the page."""
    return PAGE.split(f"```{kind}\n")[n + 1].partition("```")[0]


def test_the_examples_are_good(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text(example("csv"), encoding="utf-8")
    active = yaml.safe_load(example("yaml"))["rules"]["lingering"]["active"]
    here = [("points.bank.longitude", 113.1), ("points.bank.latitude", 23.0)]
    config = loaded(tmp_path, ("community.calendars", ["days.csv"]), ("rules.entry.active", active), *here)
    assert "dragon_boats" in config.community.calendar.kinds(date(2026, 6, 19))
