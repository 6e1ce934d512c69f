"""When a camera counts as too much for this machine, and which cameras then give way, for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import av
import pytest

from ingest.relief import HOLD_S, LONG_HOLD_S, SETTLE_S, Relief
from ingest.sources.base import Picture
from ingest.strain import WINDOW_S, Felt, Strain

FPS = 25
Delay = Callable[[float], float]


def picture(pts_s: float | None, waited_s: float | None, key: bool) -> Picture:
    frame = av.VideoFrame(16, 16, "yuv420p")
    setattr(frame, "key_frame", key)  # noqa: B010 - PyAV's stubs say that it cannot be set
    return Picture(frame, pts_s, waited_s=waited_s)


def watched(
    seconds: float,
    work_s: float = 0.004,
    network: Delay = lambda _: 0.0,
    *,
    cpu: float = 0.2,
    gop: int = FPS,
    clock: float = 1.0,
    stamps: bool = True,
) -> list[tuple[float, Felt]]:
    """Read a camera of 25 pictures a second for a while; return (time, what was felt) after each.

    A picture takes ``work_s``, of which the share ``cpu`` on a core; its data is here ``network`` later than
    it was taken; the camera's clock is ``clock`` times as fast as ours.
    """
    strain, now_s, cpu_s, felt = Strain(), 0.0, 0.0, []
    for i in range(round(seconds * FPS)):
        there_s = i / FPS + network(i / FPS)
        waited_s = max(0.0, there_s - now_s)
        now_s = max(now_s, there_s) + work_s
        cpu_s += work_s * cpu
        pts_s = i / FPS * clock if stamps else None
        strain.note(now_s, cpu_s, picture(pts_s, waited_s, i % gop == 0))
        felt.append((i / FPS, strain.felt))
    return felt


def stalled(t: float) -> float:
    """Return the delay of a network that stands still from 20 s on for 3 s, and then gives it all at once."""
    return max(0.0, 23 - t) if t >= 20 else 0.0


@pytest.mark.parametrize(
    ("seconds", "keys"),
    [
        (60, {}),
        (600, {"clock": 1.0001}),  # a camera's clock that is off as much as one may be
        (600, {"clock": 0.9999}),
        (60, {"work_s": 0.036}),  # almost too much, and never late
        (60, {"network": stalled}),
        (60, {"network": lambda t: 0.05 * t}),  # too thin a line: late, and the reader waits
        (60, {"network": lambda t: 1.5 if t > 20 else 0.0}),  # another way through the network, longer
        (60, {"network": lambda t: 1.5 if t > 20 else 0.0, "work_s": 0.029}),
        (60, {"work_s": 0.06, "stamps": False}),  # nothing to measure by
    ],
    ids=[
        "idle",
        "fast clock",
        "slow clock",
        "busy",
        "stall",
        "thin line",
        "detour",
        "busy detour",
        "no time stamps",
    ],
)
def test_who_keeps_up_or_waits_for_the_network_is_not_strained(seconds: float, keys: dict[str, Any]) -> None:
    assert not [t for t, felt in watched(seconds, **keys) if felt.strained]


@pytest.mark.parametrize(("work_s", "within_s"), [(0.041, 40 + WINDOW_S), (0.05, 9), (0.08, 6)])
def test_whose_pictures_come_later_and_later_though_their_data_is_there_is_strained(
    work_s: float, within_s: float
) -> None:
    strained = [t for t, felt in watched(60, work_s) if felt.strained]
    assert 0.5 < strained[0] < within_s
    assert strained[-1] > 59.9  # and stays so


def test_after_a_detour_lateness_is_measured_anew() -> None:
    """A network that became slower for good, and only later a machine that is too slow."""
    work = [0.004] * (60 * FPS) + [0.05] * (30 * FPS)
    strain, now_s = Strain(), 0.0
    strained = []
    for i, work_s in enumerate(work):
        there_s = i / FPS + (1.5 if i > 20 * FPS else 0.0)
        waited_s = max(0.0, there_s - now_s)
        now_s = max(now_s, there_s) + work_s
        strain.note(now_s, 0.0, picture(i / FPS, waited_s, i % FPS == 0))
        strained += [i / FPS] * strain.felt.strained
    assert 60 < strained[0] < 70


def test_one_that_is_too_much_for_a_core_is_told_apart() -> None:
    assert watched(30, 0.05, cpu=0.3)[-1][1] == Felt(strained=True, alone=False, relievable=True)
    assert watched(30, 0.05, cpu=1.0)[-1][1] == Felt(strained=True, alone=True, relievable=True)


@pytest.mark.parametrize(
    ("gop", "relievable"), [(1, False), (25, True), (50, True), (75, False), (10_000, False)]
)
def test_keyframes_help_where_there_are_others_and_they_are_near_enough(gop: int, relievable: bool) -> None:
    assert watched(20, gop=gop)[-1][1].relievable is relievable


CALM, LATE = Felt(relievable=True), Felt(strained=True, relievable=True)
FIXED = Felt(strained=True)


def test_half_gives_way_then_half_of_the_rest_and_lives_come_last() -> None:
    relief, felt = Relief(), dict.fromkeys("abcdv", LATE)
    steps = [relief.decide(n * SETTLE_S, felt, lambda: {"v"}) for n in range(5)]
    assert steps == [
        frozenset("ab"),
        frozenset("abc"),
        frozenset("abcd"),
        frozenset("abcdv"),
        frozenset("abcdv"),
    ]


def test_a_step_has_time_to_show() -> None:
    relief, felt = Relief(), dict.fromkeys("abcd", LATE)
    assert {relief.decide(t / 5, felt, frozenset) for t in range(int(SETTLE_S * 5))} == {frozenset("ab")}


def test_those_that_are_late_give_way_before_those_that_are_not() -> None:
    assert Relief().decide(0, {"a": CALM, "b": CALM, "c": LATE, "d": LATE}, frozenset) == frozenset("cd")


def test_what_keyframes_do_not_help_stays_and_others_help_it() -> None:
    assert Relief().decide(0, {"a": FIXED, "b": CALM, "v": LATE}, lambda: {"v"}) == frozenset("b")
    assert Relief().decide(0, {"a": FIXED}, frozenset) == frozenset()


def test_a_camera_that_is_too_much_for_a_core_gives_way_itself_though_it_watches_over_lives() -> None:
    felt = {"a": CALM, "b": CALM, "v": Felt(strained=True, alone=True, relievable=True)}
    assert Relief().decide(0, felt, lambda: {"v"}) == frozenset("v")


def test_they_come_back_one_by_one_after_their_time_lives_first() -> None:
    relief, late = Relief(), dict.fromkeys("abv", LATE)
    for n in range(3):
        relief.decide(n * SETTLE_S, late, lambda: {"v"})
    calm = dict.fromkeys("abv", CALM)
    back: dict[str, int] = {}
    for t in range(13, 60):
        for name in set("abv") - relief.decide(t, calm, lambda: {"v"}):
            back.setdefault(name, t)
    assert back["a"] >= HOLD_S
    assert back["b"] >= HOLD_S + SETTLE_S
    assert back["v"] >= HOLD_S + 2 * SETTLE_S
    assert back["v"] < back["b"] or back["b"] < HOLD_S + 2 * SETTLE_S
    assert min(abs(back[x] - back[y]) for x, y in ("ab", "bv", "av")) >= 5


def test_nothing_flaps_on_a_machine_that_never_has_enough() -> None:
    """Room for all cameras at keyframes and two at all pictures: over ten minutes hardly anything changes."""
    relief, held, changes = Relief(), frozenset[str](), []
    late_since: float | None = None
    for tick in range(600 * 5):
        t = tick / 5
        overloaded = 6 - len(held) > 2
        late_since = (t if late_since is None else late_since) if overloaded else None
        late = late_since is not None and t - late_since > WINDOW_S
        now = relief.decide(t, dict.fromkeys("abcdef", LATE if late else CALM), frozenset)
        changes += [(t, name) for name in held ^ now]
        held = now
    spans = [b - a for name in "abcdef" for a, b in _held_spans(changes, name)]
    assert min(spans) >= HOLD_S
    assert len(changes) / 6 <= 2 * 600 / LONG_HOLD_S  # a change of a camera in 15 s at most, on average


def _held_spans(changes: list[tuple[float, str]], name: str) -> list[tuple[float, float]]:
    times = [t for t, who in changes if who == name]
    return list(zip(times[::2], times[1::2], strict=False))
