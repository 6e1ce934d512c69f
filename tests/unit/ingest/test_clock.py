from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ingest.clock import AGAIN_S, EVERY_S, LEAST, MOVED_EVERY_S, MOVED_S, WINDOW_S, ClockWatch
from lianfang import host_clock
from lianfang.camera_clock import ClockJudge
from lianfang.clock import ManualClock
from lianfang.events import CameraClock
from lianfang.host_clock import HostClock

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Pictures:
    """The pictures of a camera, one a second, and what the watch says of its clock."""

    def __init__(self, *, trusted: bool = True) -> None:
        self.passed_s = 0.0
        self.host = HostClock(ManualClock(NOON), trusted=trusted)
        self.watch = ClockWatch(lambda: self.passed_s, ClockJudge(2.0, self.host))

    def come(self, offsets_s: Sequence[float | None], every_s: float = EVERY_S) -> list[CameraClock]:
        """Let a picture come for each offset of the camera's clock, None where it tells no time."""
        said: list[CameraClock | None] = []
        for offset_s in offsets_s:
            self.passed_s += every_s
            at = NOON + timedelta(seconds=self.passed_s)
            said.append(self.watch.saw(None if offset_s is None else at + timedelta(seconds=offset_s), at))
        return [word for word in said if word is not None]


def since_1970(seconds: float) -> float:
    """Return the offset of a clock that says so many seconds since 1970."""
    return seconds - NOON.timestamp()


@pytest.mark.parametrize(
    ("offsets_s", "said"),
    [
        ([0.1] * LEAST, [0.1]),
        ([-3.0] * LEAST, [-3.0]),  # behind
        ([0.1] * (LEAST - 1), []),  # too few
        ([None] * 30, []),  # a camera without sender reports
        ([since_1970(86400)] * 30, []),  # it counts from its start
        ([since_1970(-2.2e9)] * 30, []),  # the same, in NTP's era
        ([since_1970(946684800 + 5)] * LEAST, [since_1970(946684800 + 5)]),  # its battery is dead: 2000
        ([3e9] * LEAST, [3e9]),  # a hundred years ahead
        ([0.1, 90.0, -90.0, 0.1, 0.1] * 2, [0.1]),  # a report is wrong now and then
        ([0.1] * 60 + [0.1 + MOVED_S / 2] * 120, [0.1]),  # too little to be said at once
        ([0.1] * 60 + [5.0] * 60, [0.1, 5.0]),  # somebody set it: half a window later it is known
    ],
)
def test_what_is_said_of_a_clock(offsets_s: Sequence[float | None], said: list[float]) -> None:
    words = Pictures().come(offsets_s)
    assert [word.offset_s for word in words] == pytest.approx(said, abs=1e-3)
    assert all(word.source == "rtcp" and word.trusted for word in words)


def test_it_is_said_again_now_and_then_and_many_pictures_are_no_more_samples() -> None:
    pictures = Pictures()
    assert len(pictures.come([0.1] * int(2.5 * AGAIN_S))) == 3
    assert Pictures().come([0.1] * 20 * (LEAST - 1), every_s=EVERY_S / 20) == []


def test_a_clock_that_seems_to_move_all_the_time_is_not_said_all_the_time() -> None:
    said = Pictures().come([-0.01 * n for n in range(int(3.5 * MOVED_EVERY_S))])  # later and later
    assert len(said) == 4
    assert Pictures().come([-0.2 * n for n in range(40)])[-1].off, "a fault is said at once"


def test_a_silent_clock_is_not_known_for_ever() -> None:
    pictures = Pictures()
    pictures.come([0.1] * LEAST)
    assert pictures.come([None] * int(WINDOW_S)) == []
    assert pictures.come([5.0] * (LEAST - 1)) == []  # what it said before the pause counts no more
    (word,) = pictures.come([5.0])
    assert word.offset_s == 5.0


def test_what_its_service_says_counts_where_its_stream_says_nothing() -> None:
    pictures = Pictures()
    pictures.watch.told(7.0)
    (asked,) = pictures.come([None])
    assert (asked.source, asked.offset_s) == ("onvif", 7.0)
    (reported,) = pictures.come([7.1] * LEAST)
    assert reported.source == "rtcp"
    pictures.passed_s += AGAIN_S
    assert pictures.come([None] * 60) == []  # its stream has ended, and nobody has asked it since


@pytest.mark.parametrize(
    ("trusted", "offsets_s", "off"),
    [
        (True, [1.9], [False]),
        (True, [-2.1], [True]),
        (True, [2.1, 1.6, 1.4], [True, True, False]),  # at the limit it does not come and go
        (True, [1.4, 1.9, 2.1], [False, False, True]),
        (False, [3600.0], [False]),  # one of the two is wrong: nobody knows which
    ],
)
def test_what_is_a_fault(trusted: bool, offsets_s: Sequence[float], off: list[bool]) -> None:
    judge = ClockJudge(2.0, HostClock(ManualClock(NOON), trusted=trusted))
    words = [judge.word(offset_s, "rtcp", NOON) for offset_s in offsets_s]
    assert [word.off for word in words] == off
    assert all(word.trusted is trusted for word in words)


def test_a_camera_at_fault_stays_so_while_the_host_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = ["synchronised"]
    monkeypatch.setattr(host_clock, "kernel_sync", lambda: sync[0])
    clock = ManualClock(NOON)
    judge = ClockJudge(2.0, HostClock(clock))
    said = [judge.word(5.0, "rtcp", NOON).off]
    sync[0] = "unsynchronised"
    clock.advance_to(NOON + timedelta(minutes=2))
    said += [judge.word(offset_s, "rtcp", NOON).off for offset_s in (5.0, 0.1, 5.0)]
    assert said == [True, True, False, False]
