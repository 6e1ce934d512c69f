"""The rush at a school gate: everybody counted once, the bare ones reminded, nobody alarmed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import DetectedObject, Observation
from tests.support.observations import at, observation, standing
from tests.unit.alerts import test_helmet
from tests.unit.alerts.test_incidents import A, B, C, Play

# The script begins at 14:00 in Shanghai.
RUSH = {"windows": [{"begin": "14:00", "end": "14:40"}]}
WINDOW = "2026-07-01 14:00-14:40"


def config(folder: Path, **keys: object) -> Config:
    return test_helmet.config(folder, **{"rush": RUSH, "speech": {"text": "请戴好头盔"}, **keys})


def seen(seconds: float, heads: dict[int, str | None], epoch: str = "e1") -> Observation:
    """Return who rides or walks past: track → what is said of the head, None for who rides nothing."""
    objects = tuple(
        DetectedObject(
            track_id=f"{epoch}:{n}",
            label="person",
            confidence=0.9,
            xyxyn=standing(*(A, B, C)[n % 3]),
            attributes={} if head is None else {"helmet": head},
        )
        for n, head in heads.items()
    )
    return observation(seconds, {}, epoch=epoch).model_copy(update={"objects": objects})


def counts(play: Play, run: str = WINDOW) -> tuple[float, float, float]:
    (incident,) = [i for i in play.incidents.values() if i.subject == run]
    figures = incident.figures["cam"]
    return figures["riders"], figures["bare"], figures["unknown"]


def test_300_riders_in_20_minutes(tmp_path: Path) -> None:
    """A rider every four seconds, seen for six: each fifth is bare, each twentieth cannot be told."""
    head = {n: "bare" if n % 5 == 0 else "unknown" if n % 20 == 1 else "worn" for n in range(300)}
    play = Play(config(tmp_path))
    play(
        seen(t, {n: head[n] for n in range(300) if 0 <= t - 4 * n <= 6})
        for t in (i / 2 for i in range(2 * 1210))
    )
    assert counts(play) == (300, 60, 15)
    assert len(play.incidents) == 1
    assert play.only.members_total == 60
    spoken = [t for t, kind in play.changes if kind in {"opened", "repeated"}]
    assert len(spoken) >= 15
    assert all(b - a >= 60 for a, b in pairwise(spoken))
    # A bare head comes every 20 s and is seen for 6 of them.
    assert all(t % 20 <= 6 for t in spoken)
    assert "escalated" not in play.kinds


def test_a_driver_with_a_helmet_and_a_bare_child_are_one_bare_head(tmp_path: Path) -> None:
    play = Play(config(tmp_path))(seen(t / 2, {1: "worn", 2: "bare"}) for t in range(180))
    assert counts(play) == (2, 1, 0)
    assert play.only.members_total == 1


def test_outside_the_window_they_are_counted_in_a_record_of_the_day(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    play(seen(3600 + t, {10 + t: None, t // 2: "bare"}) for t in range(10))
    assert counts(play, "2026-07-01") == (5, 5, 0)


def test_each_window_is_one_record_however_long_nobody_is_bare(tmp_path: Path) -> None:
    twice = {"windows": [*RUSH["windows"], {"begin": "16:00", "end": "16:40"}]}
    play = Play(config(tmp_path, rush=twice))
    for start in (0, 1800, 7200, 9000):
        play([seen(start, {start: "bare"}), *(seen(start + t, {}) for t in range(1, 20))])
    assert sorted(i.subject for i in play.incidents.values()) == [WINDOW, "2026-07-01 16:00-16:40"]
    assert counts(play) == (2, 2, 0)


def test_who_is_there_when_a_window_opens_belongs_to_what_was_before(tmp_path: Path) -> None:
    later = {"windows": [{"begin": "14:01", "end": "14:40"}]}
    play = Play(config(tmp_path, rush=later))
    play(seen(t, {1: "bare"} if t < 70 else {1: "bare", 2: "bare"}) for t in range(58, 80))
    assert counts(play, "2026-07-01") == (1, 1, 0)
    assert counts(play, "2026-07-01 14:01-14:40") == (1, 1, 0)


def test_what_is_known_of_a_head_last_counts(tmp_path: Path) -> None:
    heads = ["unknown", "unknown", "bare", "worn", "unknown"]
    play = Play(config(tmp_path))(seen(t, {1: head}) for t, head in enumerate(heads))
    assert counts(play) == (1, 0, 0)
    assert play.only.opened_at == at(2), "it was bare then, and spoken to"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"notify": [{"receiver": "police"}]}, "no 'notify' beside 'rush'"),
        ({"speech": {"text": "请戴好头盔", "again_s": 30}}, "'speech.again_s' of 60 or more beside 'rush'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(tmp_path, **keys)
