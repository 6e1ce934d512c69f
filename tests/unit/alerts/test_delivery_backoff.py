"""Pauses between attempts, and the breaker."""

from __future__ import annotations

import random

import pytest

from alerts.delivery.backoff import Backoff
from alerts.delivery.breaker import Breaker

LONGEST = Backoff(5, 36_000, lambda: 1.0)


@pytest.mark.parametrize(
    ("attempts", "delay_s"),
    [(1, 5), (2, 10), (3, 20), (13, 20_480), (14, 36_000), (15, 36_000), (10_000, 36_000)],
)
def test_the_step_doubles_up_to_the_cap(attempts: int, delay_s: float) -> None:
    assert LONGEST.delay_s(attempts) == delay_s


def test_jitter_takes_the_whole_step() -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    delays = [Backoff(5, 36_000, chance.random).delay_s(3) for _ in range(500)]
    assert 0 <= min(delays) < 1
    assert 19 < max(delays) <= 20
    assert 9 < sum(delays) / len(delays) < 11


def _breaker(threshold: int = 3) -> Breaker:
    return Breaker(threshold, Backoff(5, 60, lambda: 1.0))


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = _breaker()
    for at_s in (0, 1):
        breaker.failed(at_s)
    assert (breaker.is_open, breaker.permits(1, 32)) == (False, 32)
    breaker.succeeded()
    for at_s in (2, 3):
        breaker.failed(at_s)
    assert not breaker.is_open
    breaker.failed(4)
    assert breaker.is_open
    assert [breaker.permits(at_s, 32) for at_s in (4, 8.9, 9)] == [0, 0, 1]


def test_a_probe_that_fails_opens_it_for_longer() -> None:
    breaker = _breaker(1)
    breaker.failed(0)
    opened: list[float] = []
    now_s = 0.0
    for _ in range(6):
        while not breaker.permits(now_s, 32):
            now_s += 1
        opened.append(now_s)
        breaker.failed(now_s)
    assert opened == [5, 15, 35, 75, 135, 195]  # 5, 10, 20, 40, then 60 s apart


def test_what_began_before_it_opened_says_nothing_new() -> None:
    breaker = _breaker(1)
    for _ in range(30):
        breaker.failed(0)
    assert breaker.permits(5, 32) == 1


def test_an_answer_closes_it() -> None:
    breaker = _breaker(1)
    assert not breaker.succeeded()
    breaker.failed(0)
    assert breaker.succeeded()
    assert breaker.permits(0, 32) == 32


def test_a_wish_for_silence_outlasts_success() -> None:
    breaker = _breaker()
    breaker.hold(60)
    breaker.hold(30)
    breaker.succeeded()
    assert [breaker.permits(at_s, 32) for at_s in (59.9, 60)] == [0, 32]
