"""What this process was late by is no silence of a camera."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import av
import pytest

from ingest.demux import Packets
from ingest.lateness import Lateness
from ingest.sources.base import SourceLost
from lianfang.events import CameraReason

TIMEOUT_S = 2.0
PACKET: Any = SimpleNamespace(size=100)
TURN_S = 0.2


class Machine:
    """A clock, and the turns that the worker takes on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 50.0
        self.lateness = Lateness(lambda: self.now_s)
        self.lateness.turn(TURN_S)
        monkeypatch.setattr("ingest.demux.time", SimpleNamespace(monotonic=lambda: self.now_s))

    def passes(self, seconds: float, *, stands: float = 0.0) -> None:
        """Let time pass, turns taken; then let the machine stand still, and take the turn that was due."""
        end_s = self.now_s + seconds
        while self.now_s + TURN_S <= end_s:
            self.now_s += TURN_S
            self.lateness.turn(TURN_S)
        self.now_s = end_s + stands
        if stands:
            self.lateness.turn(TURN_S)


@pytest.mark.parametrize(
    ("waits", "late_s"),
    [
        ([0.2, 0.2, 0.2], 0.0),
        ([0.29, 0.29, 0.29], 0.0),  # within the slack
        ([0.2, 3.2, 0.2], 3.0),
        ([1.2, 1.2], 2.0),
    ],
)
def test_turns_that_come_late_add_up(waits: Sequence[float], late_s: float) -> None:
    now = [0.0]
    lateness = Lateness(lambda: now[0])
    now[0] = 100.0
    assert lateness.late_s == 0, "nobody has promised a turn yet"
    lateness.turn(TURN_S)
    for wait_s in waits:
        now[0] += wait_s
        lateness.turn(TURN_S)
    assert lateness.late_s == pytest.approx(late_s)


def test_a_turn_that_is_due_just_now_counts_already() -> None:
    now = [0.0]
    lateness = Lateness(lambda: now[0])
    lateness.turn(TURN_S)
    now[0] = 4.2
    assert lateness.late_s == pytest.approx(4.0)


Step = tuple[float, float, bool]
"""(seconds that pass, seconds that the machine stands still, whether a packet came then or FFmpeg gave up)"""


@pytest.mark.parametrize(
    ("steps", "packets", "is_lost"),
    [
        ([(0.5, 0, True), (1.9, 0, True)], 2, False),
        ([(0.5, 0, True), (2.0, 0, True)], 1, True),  # what FFmpeg's parser held: stale
        ([(0.5, 0, True), (2.0, 0, False)], 1, True),
        ([(0.5, 0, True), (0.5, 3.0, True), (0.1, 0, True)], 3, False),
        ([(0.5, 0, True), (0.5, 3.0, False), (0.1, 0, True)], 2, False),  # it reads on
        ([(0.5, 0, True), (0.5, 3.0, False), (1.9, 0, False)], 1, True),  # and it sends nothing indeed
        ([(0.6, 3.0, False), (0.3, 3.0, False), (0.2, 5.0, True)], 1, False),
        ([(1.0, 3.0, False), (0.9, 3.0, False)], 0, True),
    ],
)
def test_only_time_in_which_it_was_read_is_silence(
    monkeypatch: pytest.MonkeyPatch, steps: Sequence[Step], packets: int, is_lost: bool
) -> None:
    machine, left = Machine(monkeypatch), list(steps)

    def demux() -> Iterator[Any]:
        while left:
            passed_s, stood_s, comes = left.pop(0)
            machine.passes(passed_s, stands=stood_s)
            if not comes:
                raise av.error.ExitError(1, "Immediate exit requested")
            yield PACKET

    read = Packets(demux, TIMEOUT_S, machine.lateness)
    with pytest.raises(SourceLost) if is_lost else nullcontext() as lost:
        deque(read, maxlen=0)
    assert lost is None or lost.value.reason is CameraReason.TIMED_OUT
    assert read.taken()[1] == packets * PACKET.size
    assert not left
