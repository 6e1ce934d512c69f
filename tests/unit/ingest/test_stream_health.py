"""When a stream is degraded: fewer pictures than usual or than asked for, damaged ones, and the way back."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ingest.health.stream import StreamHealth

Part = tuple[float, float, float]
"""(seconds, good pictures a second, damaged pictures a second)."""


def play(health: StreamHealth, parts: Iterable[Part], begin_s: float = 0.0, fps: float = 5.0) -> list[str]:
    """Return the reasons in the order in which they became true, "" for none."""
    said, before, at_s = list[str](), health.reason or "", begin_s
    for seconds, good, bad in parts:
        for i in range(round(seconds * good)):
            owed = int((i + 1) * bad / good) - int(i * bad / good)
            for _ in range(owed):
                health.spoilt()
            health.came(at_s + i / good, fps)
            if (now := health.reason or "") != before:
                said, before = [*said, now], now
        at_s += seconds
    return said


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([(200, 25, 0)], []),
        ([(60, 25, 0), (60, 12, 0)], []),  # more than is asked for, still: it is dark, and it takes its time
        ([(60, 25, 0), (60, 2, 0)], ["few_pictures"]),
        ([(60, 25, 0), (15, 2, 0), (60, 25, 0)], []),  # a short while is nothing
        ([(60, 25, 0), (60, 2, 0), (60, 3.5, 0)], ["few_pictures"]),  # better, and not yet well
        ([(60, 25, 0), (60, 2, 0), (60, 25, 0)], ["few_pictures", ""]),
        ([(300, 0.5, 0)], []),  # it never gives more
        ([(60, 1, 0), (120, 0.4, 0)], ["few_pictures"]),  # of one that gives less than is asked for, too
        ([(60, 25, 0), (60, 15, 10)], ["corrupt"]),
        ([(60, 25, 0), (60, 15, 10), (60, 23, 2)], ["corrupt"]),
        ([(60, 25, 0), (60, 15, 10), (60, 25, 0)], ["corrupt", ""]),
        ([(60, 25, 0), (60, 24, 1)], []),
        ([(60, 25, 0), (4000, 2, 0), (300, 2, 0)], ["few_pictures", ""]),  # somebody has set it so
    ],
)
def test_what_is_said_of_a_stream(parts: list[Part], said: list[str]) -> None:
    assert play(StreamHealth(), parts) == said


def test_figures_are_given_to_technicians() -> None:
    health = StreamHealth()
    play(health, [(60, 25, 0), (60, 2, 0)])
    assert health.detail == "2 pictures a second, usually 25"


def test_a_new_connection_begins_anew_and_knows_what_is_usual() -> None:
    health = StreamHealth()
    play(health, [(60, 25, 0), (60, 2, 0)])
    health.begin()
    assert (health.reason, health.detail) == (None, "")
    assert play(health, [(60, 2, 0)], begin_s=500) == ["few_pictures"]


def test_a_clock_that_is_set_back_ends_nothing() -> None:
    health = StreamHealth()
    play(health, [(60, 25, 0)], begin_s=10_000)
    assert play(health, [(60, 2, 0)], begin_s=0) == ["few_pictures"]
