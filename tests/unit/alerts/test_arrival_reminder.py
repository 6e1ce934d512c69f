"""Reminders for whoever comes: not too often, and without alarm."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import A, Play


def config(folder: Path, **keys: object) -> Config:
    stanza = {
        "kind": "arrival_reminder",
        "name": "分类提醒",
        "cameras": ["cam"],
        "zones": ["water"],
        "speech": {"text": "请分类投放", "again_s": 300, "times": 20},
        **keys,
    }
    return loaded(folder, ("rules.entry", stanza))


def test_forty_residents_in_half_an_hour_are_reminded_at_least_five_minutes_apart(tmp_path: Path) -> None:
    """Each stays for 20 s and leaves; the next one comes 25 s later."""
    play = Play(config(tmp_path))
    play(observation(t, {t // 45: A} if t % 45 < 20 else {}) for t in range(1800))
    spoken = [t for t, kind in play.changes if kind in {"opened", "repeated"}]
    assert len(play.incidents) == 1
    assert play.only.members_total == 40
    assert all(b - a >= 300 for a, b in pairwise(spoken))
    assert len(spoken) == 6
    assert "escalated" not in play.kinds


def test_no_more_often_than_it_may(tmp_path: Path) -> None:
    play = Play(config(tmp_path, speech={"text": "请分类投放", "again_s": 300, "times": 2}))
    play(observation(t, {1: A}) for t in range(1800))
    assert play.kinds == ["opened", "repeated"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [({"speech": None}, "rules.entry.speech"), ({"record_only": False}, "rules.entry.record_only")],
)
def test_it_has_something_to_say_and_alarms_nobody(
    tmp_path: Path, keys: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config(tmp_path, **keys)
