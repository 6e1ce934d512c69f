from __future__ import annotations

import random

from ingest.backoff import CAP_S, FIRST_S, Backoff


class Highest(random.Random):
    """Always draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0
        return b


def test_ceilings_double_up_to_the_cap_for_ever() -> None:
    backoff = Backoff(Highest())
    assert [backoff.next_s() for _ in range(9)] == [0.5, 1, 2, 4, 4, 4, 4, 4, 4]
    assert [backoff.next_s() for _ in range(10_000)][-1] == CAP_S


def test_a_success_begins_anew() -> None:
    backoff = Backoff(Highest())
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == FIRST_S


def test_waits_spread_over_the_whole_range() -> None:
    backoff = Backoff(random.Random(1))  # noqa: S311 - a test repeats itself
    for _ in range(7):
        backoff.next_s()
    waits_s = [backoff.next_s() for _ in range(200)]
    assert min(waits_s) < CAP_S / 10
    assert max(waits_s) > CAP_S * 9 / 10
