"""One camera over a scripted source: what is published, dropped and logged, whatever goes wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby

import av
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from ingest.backoff import Backoff
from ingest.camera import STABLE_S, STUCK_S, UNUSABLE_S, CameraReader
from ingest.metrics import IngestMetrics
from ingest.sources.base import Asked, Picture, Pictures, SourceEnded, SourceLost, Stream
from ingest.timing import ArrivalTiming, HostTime, Timing
from lianfang.clock import ManualClock
from lianfang.events import FRAMES, OBSERVATIONS, CameraReason
from tests.support.fake_bus import FakeBus
from tests.support.reading import configured

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
GOOD = Picture(av.VideoFrame(64, 48, "yuv420p"))
CORRUPT = Picture(av.VideoFrame(64, 48, "yuv420p"), corrupt=True)
UNDECODABLE = Picture(None)
UNENCODABLE = Picture(av.VideoFrame(64, 48, "rgb4"))
SITE = configured({"gate": {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}}})
Script = list[Picture | Exception | Callable[[], None]]


class NoWait(Backoff):
    """Waits never, and notes what it would have waited for."""

    def __init__(self) -> None:
        super().__init__(random.Random(1))  # noqa: S311 - never drawn from
        self.resets = 0

    def next_s(self) -> float:
        return 0.0

    def reset(self) -> None:
        self.resets += 1


class Scripted:
    """Plays one list of pictures, faults and calls per connection, ``step_s`` apart, then stops."""

    live = True
    streams: tuple[Stream, ...] = ("main",)

    def __init__(self, clock: ManualClock, *connections: Script, step_s: float = 0.2) -> None:
        self._clock = clock
        self._step = timedelta(seconds=step_s)
        self._connections = list(connections)
        self.closed = 0

    def timing(self, host: HostTime) -> Timing:
        return ArrivalTiming(host)

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        del asked
        if not self._connections:
            stop.set()
            return
        try:
            for step in self._connections.pop(0):
                self._clock.advance_to(self._clock.now() + self._step)
                if isinstance(step, Picture):
                    yield step
                elif isinstance(step, Exception):
                    raise step
                else:
                    step()
        finally:
            self.closed += 1


class Played:
    """What came of it."""

    def __init__(
        self,
        *connections: Script,
        clock: ManualClock,
        refuse: Callable[[str, str], bool] = lambda _topic, _key: False,
        step_s: float = 0.2,
    ) -> None:
        self.bus = FakeBus(refuse)
        self.backoff = NoWait()
        self.source = Scripted(clock, *connections, step_s=step_s)
        self._registry = CollectorRegistry()
        reader = CameraReader(
            SITE, "gate", self.source, self.bus, clock, IngestMetrics(self._registry), self.backoff
        )
        with capture_logs() as logs:
            reader.run(threading.Event())
        self.logs = [dict(line) for line in logs]

    @property
    def events(self) -> list[str]:
        """The names of the log's lines."""
        return [line["event"] for line in self.logs]

    def dropped(self, reason: str) -> float:
        """Return the count of dropped pictures."""
        labels = {"camera": "gate", "reason": reason}
        return self._registry.get_sample_value("lianfang_frames_dropped_total", labels) or 0.0

    def value(self, series: str) -> float:
        """Return another series of the camera."""
        return self._registry.get_sample_value(series, {"camera": "gate"}) or 0.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def test_frames_count_from_0_and_the_first_one_says_online(clock: ManualClock) -> None:
    played = Played([GOOD, GOOD, GOOD], clock=clock)
    frames = played.bus.frames("gate")
    state = played.bus.states("gate")[0]
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert {frame.epoch for frame in frames} == {state.epoch}
    assert [frame.captured_at for frame in frames] == [NOON + timedelta(seconds=s) for s in (0.2, 0.4, 0.6)]
    assert (state.condition, state.captured_at) == ("online", frames[0].captured_at)
    assert (frames[0].width, frames[0].height, frames[0].encoding) == (64, 48, "jpeg")
    assert [r.position.topic for r in played.bus.records[:2]] == [OBSERVATIONS, FRAMES]


def test_lost_and_found_are_said_once_each(clock: ManualClock) -> None:
    refused = SourceLost(CameraReason.REFUSED, "said so")
    played = Played([GOOD], [refused], [refused], [refused], [GOOD], clock=clock)
    states = played.bus.states("gate")
    assert [(s.condition.value, s.reason) for s in states] == [
        ("online", ""),
        ("offline", "end_of_stream"),
        ("online", ""),
        ("offline", "end_of_stream"),
    ]
    assert states[0].epoch == states[1].epoch != states[2].epoch
    assert played.events == ["camera_online", "camera_offline"] * 2
    assert all(line["camera_id"] == "gate" for line in played.logs)
    assert played.value("lianfang_camera_connections_total") == 6
    assert played.value("lianfang_camera_online") == 0


def test_a_camera_that_was_never_there_is_offline_once(clock: ManualClock) -> None:
    first = SourceLost(CameraReason.TIMED_OUT, "no packet for 5 s")
    played = Played([first], [SourceLost(CameraReason.REFUSED)], clock=clock)
    (state,) = played.bus.states("gate")
    assert (state.condition, state.reason, state.epoch) == ("offline", "timed_out", None)
    assert (state.detail, state.faults) == ("no packet for 5 s", ())


def test_a_camera_that_is_offline_says_what_people_must_put_right_once(clock: ManualClock) -> None:
    timed_out, refused = SourceLost(CameraReason.TIMED_OUT), SourceLost(CameraReason.UNAUTHORIZED)
    played = Played([GOOD], [timed_out], [refused], [refused], [timed_out], [refused], clock=clock)
    said = [(s.condition.value, s.reason) for s in played.bus.states("gate")]
    assert said == [("online", ""), ("offline", "end_of_stream"), ("offline", "unauthorized")]


def test_captured_at_grows_over_epochs_and_states(clock: ManualClock) -> None:
    played = Played([GOOD, GOOD], [GOOD], [SourceLost(CameraReason.REFUSED)], [GOOD], clock=clock)
    frames, states = played.bus.frames("gate"), played.bus.states("gate")
    moments = sorted({f.captured_at for f in frames} | {s.captured_at for s in states})
    assert [f.captured_at for f in frames] == sorted({f.captured_at for f in frames})
    assert [s.captured_at for s in states] == sorted({s.captured_at for s in states})
    offline = [s.captured_at for s in states if s.condition == "offline"]
    assert len(moments) == len(frames) + len(offline)  # online shares the time of its frame, offline of none


def test_pictures_that_cannot_be_used_are_dropped_and_counted(clock: ManualClock) -> None:
    played = Played([CORRUPT, UNDECODABLE, UNENCODABLE, GOOD, CORRUPT, GOOD], clock=clock)
    assert len(played.bus.frames("gate")) == 2
    assert played.bus.conditions("gate") == ["online", "offline"]
    counts = {reason: played.dropped(reason) for reason in ("corrupt", "decode", "encode", "fps", "bus")}
    assert counts == {"corrupt": 2, "decode": 1, "encode": 1, "fps": 0, "bus": 0}


@pytest.mark.parametrize("bad", [CORRUPT, UNDECODABLE, UNENCODABLE], ids=["corrupt", "decode", "encode"])
def test_a_stream_of_nothing_usable_is_a_loss(bad: Picture, clock: ManualClock) -> None:
    played = Played([GOOD, *[bad] * int(UNUSABLE_S * 5 + 3), GOOD], clock=clock)
    assert len(played.bus.frames("gate")) == 1
    lost = played.bus.states("gate")[1]
    assert (lost.reason, lost.detail[:24]) == ("unusable", "no usable picture for 10")


def test_pictures_above_the_rate_are_dropped_and_counted(clock: ManualClock) -> None:
    played = Played([GOOD] * 26, clock=clock, step_s=0.04)
    assert len(played.bus.frames("gate")) == 6  # at 0, 0.2 … 1 s
    assert played.dropped("fps") == 20


def test_a_bus_that_refuses_loses_frames_but_not_the_stream(clock: ManualClock) -> None:
    calls = iter(range(100))

    def refuse(topic: str, _key: str) -> bool:
        return topic == FRAMES and next(calls) in (1, 2)

    played = Played([GOOD] * 5, refuse=refuse, clock=clock)
    assert [frame.seq for frame in played.bus.frames("gate")] == [0, 3, 4]
    assert played.dropped("bus") == 2
    assert played.value("lianfang_frames_published_total") == 3
    assert played.events == ["camera_online", "frames_lost", "frames_taken_again", "camera_offline"]


def test_a_state_that_the_bus_refuses_comes_later(clock: ManualClock) -> None:
    calls = iter(range(100))

    def refuse(topic: str, _key: str) -> bool:
        return topic == OBSERVATIONS and next(calls) < 3

    played = Played([GOOD] * 5, refuse=refuse, clock=clock)
    assert played.bus.conditions("gate") == ["online", "offline"]
    assert len(played.bus.frames("gate")) == 5


def test_an_ended_source_is_not_read_again(clock: ManualClock) -> None:
    stop = threading.Event()
    source = Scripted(clock, [GOOD, SourceEnded(CameraReason.END_OF_FILE)], [GOOD])
    bus = FakeBus()
    metrics = IngestMetrics(CollectorRegistry())
    reader = CameraReader(SITE, "gate", source, bus, clock, metrics, NoWait())
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    bus.wait(lambda: bus.conditions("gate") == ["online", "offline"])
    stop.set()
    thread.join()
    assert bus.states("gate")[1].reason == "end_of_file"
    assert len(bus.frames("gate")) == 1


def test_a_thread_that_hangs_in_its_source_is_noticed_and_said_for_it(clock: ManualClock) -> None:
    hangs, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        go_on.wait(60)

    bus, metrics = FakeBus(), IngestMetrics(CollectorRegistry())
    reader = CameraReader(SITE, "gate", Scripted(clock, [GOOD, hang]), bus, clock, metrics, NoWait())
    thread = threading.Thread(target=reader.run, args=(threading.Event(),))
    thread.start()
    try:
        assert hangs.wait(30)
        clock.advance_to(clock.now() + timedelta(seconds=STUCK_S + 2 * (5 + 2) - 1))  # rtsp may wait so long
        assert reader.stuck_s() == 0
        clock.advance_to(clock.now() + timedelta(seconds=2))
        assert reader.stuck_s() > STUCK_S
        reader.give_up()
        assert [(s.condition.value, s.reason) for s in bus.states("gate")][1:] == [("offline", "stuck")]
    finally:
        go_on.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_camera_that_was_off_for_long_does_not_hang_when_it_is_switched_on(clock: ManualClock) -> None:
    metrics = IngestMetrics(CollectorRegistry())
    reader = CameraReader(SITE, "gate", Scripted(clock), FakeBus(), clock, metrics, NoWait())
    clock.advance_to(clock.now() + timedelta(hours=8))
    reader.rest()
    assert reader.stuck_s() == 0


def test_fewer_pictures_than_usual_are_said_and_the_way_back(clock: ManualClock) -> None:
    def later() -> None:
        clock.advance_to(clock.now() + timedelta(seconds=1))

    usual: Script = [GOOD] * 300
    slow: Script = [GOOD, later] * 60
    played = Played([*usual, *slow, *usual], clock=clock)
    said = [(s.condition.value, s.reason) for s in played.bus.states("gate")]
    assert [state for state, _ in groupby(said)] == [
        ("online", ""),
        ("degraded", "few_pictures"),
        ("online", ""),
        ("offline", "end_of_stream"),
    ]


def test_a_fault_of_ours_ends_nothing_and_its_trace_holds_no_password(clock: ManualClock) -> None:
    fault = RuntimeError("cannot open rtsp://admin:s3cret@10.0.0.1/live")
    played = Played([fault], [fault], [GOOD], clock=clock)
    assert len(played.bus.frames("gate")) == 1
    assert played.events == ["camera_fault", "camera_offline", "camera_online", "camera_offline"]
    assert "rtsp://admin:***@10.0.0.1/live" in played.logs[0]["trace"]
    assert "s3cret" not in str(played.logs)
    state = played.bus.states("gate")[0]
    assert (state.reason, state.detail) == ("internal", "RuntimeError")


def test_a_connection_that_held_makes_the_next_wait_short(clock: ManualClock) -> None:
    def hold() -> None:
        clock.advance_to(clock.now() + timedelta(seconds=STABLE_S + 1))

    assert Played([GOOD, GOOD], clock=clock).backoff.resets == 0
    assert Played([GOOD, hold, GOOD], clock=clock).backoff.resets == 1


def test_every_connection_is_closed(clock: ManualClock) -> None:
    played = Played([GOOD], [SourceLost(CameraReason.REFUSED)], [RuntimeError("x")], [GOOD], clock=clock)
    assert played.source.closed == 4


def test_a_view_that_shows_nothing_is_said_once_and_goes_on_over_connections(clock: ManualClock) -> None:
    black = Picture(av.VideoFrame.from_ndarray(np.full((72, 64), 16, np.uint8), format="yuv420p"))
    played = Played([black] * 12, [black] * 3, clock=clock, step_s=1)
    assert [(s.condition.value, s.faults) for s in played.bus.states("gate")] == [
        ("online", ()),
        ("online", ("covered",)),
        ("offline", ("covered",)),
        ("online", ("covered",)),
        ("offline", ("covered",)),
    ]
    assert [line["event"] for line in played.logs].count("camera_fault_began") == 1
