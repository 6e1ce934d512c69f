"""Whose frame is next."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.turns import Turns
from lianfang.bus import Position, Record

AT = datetime(2026, 7, 1, tzinfo=UTC)
CAMERAS = "abcd"


def record(camera: str, n: int) -> Record:
    return Record(Position("frames.v1", 0, n), camera, b"", {}, AT)


def played(script: str) -> list[str]:
    """Play a script and return what each take gives.

    ``a1`` offers frame 1 of camera a, ``?`` takes, ``/a`` says that the frame of a is finished.
    """
    turns, taken = Turns(), []
    for step in script.split():
        if step == "?":
            got = turns.take()
            taken.append("-" if got is None else f"{got.key}{got.position.offset}")
        elif step.startswith("/"):
            turns.done(step[1:])
        else:
            turns.offer(record(step[0], int(step[1:])))
    return taken


@pytest.mark.parametrize(
    ("script", "taken"),
    [
        ("?", "-"),
        # In the order in which they came, one of each camera.
        ("a1 b1 c1 ? ? ? ?", "a1 b1 c1 -"),
        # The newest of a camera takes the place of the one that waits …
        ("a1 a2 a3 ? ?", "a3 -"),
        # … and its turn: a camera that sends much is not put back behind the others for it.
        ("a1 b1 a2 ? ?", "a2 b1"),
        # One frame of a camera at a time, so that its tracker sees them in order.
        ("a1 ? a2 ?", "a1 -"),
        ("a1 ? a2 ? /a ?", "a1 - a2"),
        # A busy camera does not hold up the others, and keeps its turn.
        ("a1 ? a2 b1 ? /a ? ?", "a1 b1 a2 -"),
        ("a1 ? a2 b1 /a ? ?", "a1 a2 b1"),
        # Round and round.
        ("a1 b1 ? /a a2 ? /b b2 ? /a a3 ? /b", "a1 b1 a2 b2"),
        # What is finished twice is finished.
        ("a1 ? /a /a a2 ? ?", "a1 a2 -"),
    ],
)
def test_turns(script: str, taken: str) -> None:
    assert played(script) == taken.split()


def test_an_offer_says_whether_a_frame_will_not_be_seen() -> None:
    turns = Turns()
    assert not turns.offer(record("a", 1))
    assert turns.offer(record("a", 2))
    assert not turns.offer(record("b", 1))
    assert len(turns) == 2
    turns.take()
    assert not turns.offer(record("a", 3))
    assert len(turns) == 2


offers = st.tuples(st.just("offer"), st.sampled_from(CAMERAS))
takes = st.tuples(st.just("take"), st.just(""))
finishes = st.tuples(st.just("done"), st.sampled_from(CAMERAS))


@given(st.lists(offers | takes | finishes, max_size=60))
def test_no_camera_is_starved(script: list[tuple[str, str]]) -> None:
    turns = Turns()
    newest: dict[str, int] = {}
    busy: set[str] = set()
    passed: dict[
        str, Counter[str]
    ] = {}  # per waiting camera: how often others went first while it could have
    for n, (what, camera) in enumerate(script):
        if what == "offer":
            turns.offer(record(camera, n))
            newest[camera] = n
            passed.setdefault(camera, Counter())
        elif what == "done":
            turns.done(camera)
            busy.discard(camera)
        else:
            got = turns.take()
            ready = passed.keys() - busy
            assert (got is None) == (not ready), "there is something to do as long as a camera can be served"
            if got is not None:
                assert got.key in ready
                assert got.position.offset == newest[got.key], "the newest"
                del passed[got.key]
                busy.add(got.key)
                for other in ready - {got.key}:
                    passed[other][got.key] += 1
                    assert passed[other][got.key] == 1, "nobody goes twice before one that waits"
    assert len(turns) == len(passed)
