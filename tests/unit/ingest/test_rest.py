"""Who reads keyframes alone wakes up five times a second, and is never behind for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.demux import REST_S, Packets

FPS = 25


class Reader:
    """Reads packets that are there at given times, resting wherever it may; its clock is its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, there_s: Sequence[float], turn_s: float) -> None:
        self.now_s = 100.0
        self._there_s, self._turn_s = there_s, turn_s
        monkeypatch.setattr("ingest.demux.time", SimpleNamespace(monotonic=lambda: self.now_s))

    def wait(self, seconds: float) -> None:
        """As that of an event that nobody sets."""
        self.now_s += seconds

    def _demux(self) -> Iterator[Any]:
        for i, there_s in enumerate(self._there_s):
            self.now_s = max(self.now_s + self._turn_s, 100.0 + there_s)
            yield SimpleNamespace(size=1, dts=i, time_base=Fraction(1, FPS))

    def read(self) -> tuple[int, list[float]]:
        """Return how often it rested, and how late each packet was."""
        packets, rests, late_s = Packets(self._demux, 10.0), 0, []
        stop: Any = SimpleNamespace(wait=self.wait)
        for packet in packets:
            late_s.append(packets.came_s - 100.0 - self._there_s[packet.dts or 0])
            before_s = self.now_s
            packets.rest(packet, stop)
            rests += self.now_s > before_s
        return rests, late_s


def test_at_the_live_edge_it_sleeps_most_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rests, late_s = Reader(monkeypatch, [i / FPS for i in range(10 * FPS)], 0.0002).read()
    assert rests == pytest.approx(10 / (REST_S + 1 / FPS), rel=0.1)
    assert max(late_s) <= REST_S + 0.01


def test_what_was_there_already_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    there_s = [0.0] * (2 * FPS) + [i / FPS for i in range(8 * FPS)]  # a camera that begins two seconds ago
    rests, late_s = Reader(monkeypatch, there_s, 0.0002).read()
    assert max(late_s[: 2 * FPS]) < REST_S
    assert rests > 20


def test_a_machine_that_is_slow_does_not_fall_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every packet takes longer than what counts as waiting: a thread that waits for its turn.
    rests, late_s = Reader(monkeypatch, [i / FPS for i in range(20 * FPS)], 0.03).read()
    assert rests > 0
    assert max(late_s) < 2 * REST_S, "it rests only where it is not late"
