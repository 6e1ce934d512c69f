"""The examples of docs/schedules.md are good ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from alerts.profiles import Profiles
from lianfang.config.profiles import in_profile
from tests.support.configs import loaded
from tests.support.readings import GAUGE

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


def test_the_profiles_are_good(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text(example("csv"), encoding="utf-8")
    profiles = yaml.safe_load(example("yaml", 1))["profiles"]
    config = loaded(
        tmp_path,
        ("community.calendars", ["days.csv"]),
        ("sensors", {"gauge": GAUGE}),
        ("profiles", profiles),
    )
    speech = getattr(in_profile(config, "flood").rules["entry"], "speech")  # noqa: B009 - a plug-in's
    assert (speech.text.zh, speech.again_s) == ("水位上涨，请立即离开{place}。", 20)
    race = datetime(2026, 6, 19, 1, tzinfo=UTC)
    assert Profiles(config).at(race, ()).profile == "dragon_boats"
