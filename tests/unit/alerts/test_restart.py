"""A service that dies at any moment and goes on from its store decides as one that never died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.pipeline.rulebook import RuleBook
from lianfang.config import Config
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import OUT, A, B, C, Play

LOOP = {"text": "请离开", "again_s": 3, "times": 2}
KINDS: Mapping[str, Mapping[str, object]] = {
    "zone_entry": {"frames": 2},
    "loitering": {"dwell_s": 2, "away_s": 1},
    "crowd": {"at_least": 2, "until": 1, "for_s": 1},
    "line_crossing": {"lines": ["edge"], "direction": "both", "hold_s": 2},
}
PLACES = st.sampled_from([A, B, C, OUT])
FRAMES = st.lists(st.dictionaries(st.sampled_from([1, 2, 3]), PLACES, max_size=3), min_size=5, max_size=40)


def config(folder: Path, kind: str) -> Config:
    stanza = {"kind": kind, "name": "规则", "cameras": ["cam"], "join_s": 4, "speech": LOOP, **KINDS[kind]}
    if kind != "line_crossing":
        stanza["zones"] = ["water"]
    line = {"start": [0.4, 0.1], "end": [0.4, 1.0], "zone": "water"}
    return loaded(folder, ("cameras.cam.lines", {"edge": line}), ("rules.entry", stanza))


@pytest.mark.parametrize("kind", KINDS)
@given(frames=FRAMES, data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restarted_from_any_point_it_decides_the_same(
    tmp_path: Path,
    kind: str,
    frames: Sequence[dict[str | int | None, tuple[float, float]]],
    data: st.DataObject,
) -> None:
    site = config(tmp_path, kind)
    script = [observation(i * 0.5, people) for i, people in enumerate(frames)]
    live = Play(site)(script)
    cut = data.draw(st.integers(0, len(script)))
    before = Play(site)(script[:cut])
    after = Play(site)
    # What the store holds are the incidents that have not ended; the rules read back what they count.
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    for event in script[:cut]:
        assert after.order.admit(event) is None
        after.decider.remember(event)
    after(script[cut:])
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents


LEFT = [[0.2, 0.2], [0.5, 0.2], [0.5, 1.0], [0.2, 1.0]]
CHANGES: Sequence[tuple[str, object]] = [
    ("cameras.cam.zones.water.polygon", LEFT),
    ("cameras.cam.zones.water.place", "elsewhere"),
    ("cameras.cam.enabled", False),
    ("rules.entry.enabled", False),
    ("rules.entry", ...),
    ("rules.entry.frames", 4),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
@given(frames=FRAMES, data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restarted_from_any_point_it_decides_the_same_where_rules_change_meanwhile(
    tmp_path: Path,
    change: tuple[str, object],
    frames: Sequence[dict[str | int | None, tuple[float, float]]],
    data: st.DataObject,
) -> None:
    site = loaded(tmp_path, ("rules.entry.join_s", 4), ("rules.entry.speech", LOOP))
    books = [RuleBook(site), RuleBook(loaded(tmp_path, change))]
    script = [observation(i * 0.5, people) for i, people in enumerate(frames)]
    bounds = data.draw(st.lists(st.integers(0, len(script)), max_size=3))

    def follow(play: Play, number: int) -> None:
        play.decider.follow(books[sum(bound <= number for bound in bounds) % 2])

    def decided(play: Play, first: int, last: int) -> Play:
        for number in range(first, last):
            follow(play, number)
            play(script[number : number + 1])
        return play

    live = decided(Play(site), 0, len(script))
    cut = data.draw(st.integers(0, len(script)))
    before, after = decided(Play(site), 0, cut), Play(site)
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    for number, event in enumerate(script[:cut]):
        assert after.order.admit(event) is None
        follow(after, number)
        after.decider.remember(event)
    decided(after, cut, len(script))
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents
