"""What is kept in memory depends on how many are there, and not on how many ever were."""

from __future__ import annotations

import gc
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from tests.support.observations import observation
from tests.unit.alerts.test_incidents import OUT, A, B, Play
from tests.unit.alerts.test_restart import KINDS, config

PASS = (OUT, OUT, A, A, A, A, A, A, B, B, B, B, OUT, OUT)
"""Where somebody is in one picture after another: they come, stay for a while, cross the line, and leave."""


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_left_is_forgotten(tmp_path: Path, kind: str) -> None:
    play = Play(config(tmp_path, kind))
    _walk(play, 0, 200)  # some of the last trackers and connections are remembered
    before = _reachable(play.decider, play.order)
    _walk(play, 200, 500)
    assert len(play.incidents) > 490, "each of them opened one"
    assert _reachable(play.decider, play.order) <= before


def _walk(play: Play, first: int, last: int) -> None:
    """Let two people at a time pass, each with new numbers; now and then tracker and connection are new."""
    for n in range(first, last):
        for i, where in enumerate(PASS):
            people: dict[str | int | None, tuple[float, float]] = {2 * n: where, 2 * n + 1: where}
            second = n * 20 + i * 0.5
            play([observation(second, people, epoch=f"e{n // 5}", connection=f"c{n // 10}")])
        play([observation(n * 20 + 12.0, {}, epoch=f"e{n // 5}", connection=f"c{n // 10}")])


def _reachable(*roots: object) -> int:
    """Return how many objects hang on ``roots``; what is code is not looked into."""
    seen: dict[int, object] = {}
    todo = list(roots)
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen[id(one)] = one
        todo += gc.get_referents(one)
    return len(seen)
