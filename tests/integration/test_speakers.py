"""Which speaker may speak now: quiet hours, and no more than a speaker may say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.channels.base import SpeakerConfig
from alerts.pipeline.speakers import Speakers
from alerts.rules.base import RuleSettings
from alerts.store import Store, outbox
from lianfang.config import Config, Text
from tests.support.configs import loaded
from tests.support.observations import START
from tests.support.outbox import open_store, owe_speech, row

POLITE = RuleSettings(name=Text(zh="请勿逗留"), cameras=("cam",))
VITAL = RuleSettings(name=Text(zh="水深危险"), cameras=("cam",), life_safety=True)
# The script's clock says 14:00 in Shanghai.
NOON = {"windows": [{"begin": "13:00", "end": "15:00"}]}
HORN = {"kind": "speaker_http", "base_url": "http://127.0.0.1:1", "token": {"env": "TEST_TOKEN"}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def config(folder: Path, **keys: object) -> Config:
    """Return a community whose first of two speakers has ``keys``."""
    return loaded(folder, ("receivers.horn", {**HORN, **keys}), ("receivers.second", HORN))


def ask(store: Store, config: Config, rule: RuleSettings, *speakers: str) -> tuple[tuple[str, ...], str]:
    with store.read() as session:
        free, reason = Speakers(config, session=session).allowed(rule, speakers, START, config.almanac())
        return free, reason or ""


def said(store: Store, minutes_ago: float, n: int) -> str:
    with store.write() as session:
        return owe_speech(session, "horn", f"i{n}", now=START - timedelta(minutes=minutes_ago))


def test_by_day_every_speaker_may_speak(store: Store, tmp_path: Path) -> None:
    assert ask(store, config(tmp_path), POLITE, "horn", "second") == (("horn", "second"), "")
    assert ask(store, config(tmp_path), POLITE) == ((), "no_speaker_covers_the_zone")


def test_in_quiet_hours_only_what_saves_lives_is_said(store: Store, tmp_path: Path) -> None:
    quiet = config(tmp_path, quiet=NOON)
    assert ask(store, quiet, POLITE, "horn") == ((), "quiet_hours")
    assert ask(store, quiet, POLITE, "horn", "second") == (("second",), ""), "who sleeps is passed over"
    assert ask(store, quiet, VITAL, "horn", "second") == (("horn", "second"), "")


def test_the_night_is_quiet_unless_the_configuration_says_otherwise(tmp_path: Path) -> None:
    loud = config(tmp_path)
    horn = loud.receivers["horn"]
    assert isinstance(horn, SpeakerConfig)
    hours = (START + timedelta(hours=n) for n in range(24))
    spoken = [at.astimezone(loud.community.zone).hour for at in hours if not _quiet(horn, loud, at)]
    assert sorted(spoken) == list(range(7, 22))


def _quiet(horn: SpeakerConfig, config: Config, at: datetime) -> bool:
    return horn.quiet.applies(at, config.almanac())


@pytest.mark.parametrize("bound", [{"per_hour": 3}, {"per_day": 3}])
def test_a_speaker_that_has_said_its_share_is_silent(
    store: Store, tmp_path: Path, bound: dict[str, int]
) -> None:
    bounded = config(tmp_path, **bound)
    said(store, 30, 1)
    said(store, 20, 2)
    assert ask(store, bounded, POLITE, "horn") == (("horn",), "")
    said(store, 10, 3)
    assert ask(store, bounded, POLITE, "horn") == ((), "speaker_has_said_enough")
    assert ask(store, bounded, POLITE, "horn", "second") == (("second",), "")


def test_a_night_has_a_share_of_its_own(store: Store, tmp_path: Path) -> None:
    bounded = config(tmp_path, quiet=NOON, per_night=2)
    for n, minutes in enumerate((50, 40, 200)):  # the last one by day
        said(store, minutes, n)
    assert ask(store, bounded, VITAL, "horn") == (("horn",), ""), "what saves lives is only slowed"
    said(store, 0.5, 3)
    assert ask(store, bounded, VITAL, "horn") == ((), "speaker_has_said_enough")
    assert ask(store, config(tmp_path, quiet=NOON, per_night=4), VITAL, "horn") == (("horn",), "")


def test_what_was_said_long_ago_does_not_count(store: Store, tmp_path: Path) -> None:
    for n, minutes in enumerate((61, 62, 1440, 1441)):
        said(store, minutes, n)
    assert ask(store, config(tmp_path, per_hour=1), POLITE, "horn") == (("horn",), "")
    assert ask(store, config(tmp_path, per_day=3), POLITE, "horn") == (("horn",), "")
    assert ask(store, config(tmp_path, per_day=2), POLITE, "horn") == ((), "speaker_has_said_enough")


def test_what_was_not_heard_does_not_count(store: Store, tmp_path: Path) -> None:
    speech = said(store, 5, 1)
    with store.write() as session:
        outbox.dead(session, session.merge(row(store, speech)), now=START, error="refused")
    assert ask(store, config(tmp_path, per_hour=1), POLITE, "horn") == (("horn",), "")


def test_what_saves_lives_is_only_slowed(store: Store, tmp_path: Path) -> None:
    bounded = config(tmp_path, per_hour=1)
    said(store, 30, 1)
    assert ask(store, bounded, VITAL, "horn") == (("horn",), "")
    said(store, 0.5, 2)
    assert ask(store, bounded, VITAL, "horn") == ((), "speaker_has_said_enough")
