"""The time in a picture: what texts say, how it is found and believed, and real reading of drawn ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray

from detectors.camera import WatchedCamera
from detectors.clock.line import Line, LineReader
from detectors.clock.parse import Order, parse
from detectors.clock.places import windows
from detectors.clock.sight import Sight
from detectors.clock.watch import AGAIN_S, FAILURES, SEARCH_AGAIN_S, SEARCH_S, TimeInPicture
from detectors.stages import clock as stage
from lianfang.bus import Position
from lianfang.camera_clock import ClockJudge
from lianfang.clock import ManualClock
from lianfang.config import Camera
from lianfang.errors import ConfigError, ModelError
from lianfang.host_clock import HostClock
from tests.support.configs import loaded
from tests.support.drawn_times import burnt_in, every_look, measure, street, written
from tests.support.looking import frame
from tests.support.plates import HAS_FONT

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 12, 1, 12, 0, 0, tzinfo=SHANGHAI)
Image = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("text", "order", "said"),
    [
        ("2026-12-01 18:00:05", "auto", "2026-12-01T18:00:05"),
        ("2026-12-0118:00:05", "auto", "2026-12-01T18:00:05"),  # the space is lost
        ("2026-12-01018:00:05", "auto", "2026-12-01T18:00:05"),  # … or read as a nought
        ("2026/12/01-18:00:05", "auto", "2026-12-01T18:00:05"),  # … or as a dash
        ("2026.12.01 18.00:05", "auto", "2026-12-01T18:00:05"),
        ("2026-12-01 180005", "auto", "2026-12-01T18:00:05"),
        ("2026年12月01日 星期二 18:00:05", "auto", "2026-12-01T18:00:05"),
        ("2026年12月1日星期二8:00:05", "auto", "2026-12-01T08:00:05"),
        ("2026-12-01 周二 18:00:05", "auto", "2026-12-01T18:00:05"),
        ("2026-12-01 18:00:05 星期二", "auto", "2026-12-01T18:00:05"),
        ("12/01/2026 18:00:05", "auto", "2026-12-01T18:00:05"),
        ("01-12-2026 18:00:05", "auto", "2026-12-01T18:00:05"),  # as is nearer to the host's date
        ("01-12-2026 18:00:05", "mdy", "2026-01-12T18:00:05"),
        ("01-12-2026 18:00:05", "dmy", "2026-12-01T18:00:05"),
        ("1/12/20268:05:06", "dmy", "2026-12-01T08:05:06"),
        ("12/31/2026 18:00:05", "dmy", None),  # there is no such month
        ("12/01/2026 06:00:05 PM", "auto", "2026-12-01T18:00:05"),
        ("12/01/2026 12:00:05AM", "auto", "2026-12-01T00:00:05"),
        ("2026-12-01 下午06:00:05", "auto", "2026-12-01T18:00:05"),
        ("2026-12-01 18:00:05PM", "auto", None),
        ("2000-01-01 00:00:05", "auto", "2000-01-01T00:00:05"),  # a dead battery is a time all the same
        ("1970-01-01 08:00:05", "auto", None),
        ("2026-12-118:00:05", "auto", None),  # the 11th at 8, or the 1st at 18
        ("26-12-01 18:00:05", "auto", None),
        ("2026-13-01 18:00:05", "auto", None),
        ("2026-12-01 25:00:05", "auto", None),
        ("2026-12-01 18:00:65", "auto", None),
        ("2026-12-01 18:00", "auto", None),  # a minute is no time to compare with
        ("2026-12-01 18:00:051", "auto", None),
        ("18:00:05", "auto", None),
        ("", "auto", None),
    ],
)
def test_what_a_text_says(text: str, order: Order, said: str | None) -> None:
    read = parse(text, NOON, order)
    assert (read and read.replace(tzinfo=None).isoformat()) == said


class Written:
    """A reader of pictures that are numbers: it looks up what is written, if the line holds its place."""

    def __init__(self, says: Callable[[], str], confidence: float = 0.9) -> None:
        self.says, self.confidence, self.lines = says, confidence, 0

    def read(self, line_bgr: Image) -> Line:
        """Return the text where the cut holds all of the marked rows, and is not much higher."""
        self.lines += 1
        marked = int(line_bgr[:, :, 0].max(axis=1).sum()) // 255 if line_bgr.size else 0
        whole = marked == 24 and len(line_bgr) <= 64
        return Line(self.says(), self.confidence, (0.0, 0.5)) if whole else Line("", 0.0, (0.0, 1.0))


EMPTY = np.zeros((720, 1280, 3), np.uint8)
MARKED = EMPTY.copy()
MARKED[40:64, 20:300] = 255


class Shown:
    """A camera whose clock is ahead by ``ahead_s``, looked at twice a second."""

    def __init__(self, *, region: bool = False, confidence: float = 0.9) -> None:
        self.ahead_s, self.at, self.shown = 0.0, NOON, True
        self.reader = Written(self.text, confidence)
        where = (0.0, 30 / 720, 0.5, 80 / 720) if region else None
        self.watch = TimeInPicture(Sight(self.reader, SHANGHAI, "auto"), 60, where)

    def text(self) -> str:
        return (self.at + timedelta(seconds=self.ahead_s)).strftime("%Y-%m-%d %H:%M:%S")

    def run(self, seconds: float) -> Iterator[float]:
        """Look on and yield what is read of the clock."""
        for _ in range(round(seconds * 2)):
            self.at += timedelta(seconds=0.5)
            offset_s = self.watch.look(MARKED if self.shown else EMPTY, self.at.astimezone(UTC))
            if offset_s is not None:
                yield offset_s


SEARCH_TAKES_S = (len(list(windows(16 / 9))) + 2) * SEARCH_S


@pytest.mark.parametrize("ahead_s", [0.0, 7.0, -3600.0, 86400.0 * 400])
def test_a_time_is_found_and_read_each_minute(ahead_s: float) -> None:
    camera = Shown()
    camera.ahead_s = ahead_s
    assert list(camera.run(SEARCH_TAKES_S + AGAIN_S)) == [pytest.approx(ahead_s, abs=0.51)]
    assert len(list(camera.run(600))) in (9, 10)
    assert camera.reader.lines < SEARCH_TAKES_S + 30  # looking costs little between two readings


def test_one_reading_is_not_believed_and_neither_is_an_unsure_one() -> None:
    camera = Shown(region=True)
    assert list(camera.run(AGAIN_S - 1)) == []
    camera.ahead_s = 3600.0  # misread, or set just now
    assert list(camera.run(AGAIN_S)) == []
    assert list(camera.run(AGAIN_S)) == [pytest.approx(3600, abs=0.51)]
    assert list(Shown(region=True, confidence=0.2).run(60)) == []


def test_a_picture_without_a_time_costs_a_search_an_hour() -> None:
    camera = Shown()
    camera.shown = False
    assert list(camera.run(SEARCH_TAKES_S + 600)) == []
    lines = camera.reader.lines
    assert lines == len(list(windows(16 / 9)))
    camera.shown = True
    assert len(list(camera.run(SEARCH_AGAIN_S))) >= 1


def test_a_time_that_is_gone_is_searched_again() -> None:
    camera = Shown()
    assert len(list(camera.run(SEARCH_TAKES_S + AGAIN_S))) == 1
    camera.shown = False
    assert list(camera.run(60 + (FAILURES + 1) * AGAIN_S)) == []
    camera.shown = True
    assert len(list(camera.run(SEARCH_TAKES_S + AGAIN_S))) >= 1


@pytest.mark.parametrize(
    ("own", "used"), [({}, "Asia/Shanghai"), ({"timezone": "Asia/Urumqi"}, "Asia/Urumqi")]
)
def test_its_time_zone_is_the_communitys_unless_it_has_one(
    own: dict[str, str], used: str, tmp_path: Path
) -> None:
    settings = loaded(tmp_path, ("detectors.clock", {"kind": "clock"} | own)).detectors["clock"]
    assert isinstance(settings, stage.Config)
    assert settings.timezone == used


@pytest.mark.parametrize(
    ("stanza", "says"),
    [
        ({"timezone": "Mars"}, "an IANA time zone"),
        ({"region": [0.5, 0.1, 0.2, 0.2]}, "x_min < x_max"),
        ({"every_s": 1}, "greater than or equal to 5"),
        ({"date_order": "ymd"}, "'auto', 'mdy' or 'dmy'"),
    ],
)
def test_what_is_refused(stanza: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        loaded(tmp_path, ("detectors.clock", {"kind": "clock"} | stanza))


def encoded(picture: Image) -> bytes:
    data: bytes = simplejpeg.encode_jpeg(picture, quality=85, colorspace="BGR")
    return data


@pytest.fixture(scope="module")
def reader() -> LineReader:
    try:
        return LineReader()
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.skipif(not HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")
def test_drawn_times_are_read(reader: LineReader) -> None:
    looks = [look for look in every_look() if look[0] in ("sans", "uni") and look[1] >= 18][::11]
    scores = measure(reader, 1, looks)
    assert scores["all"].count >= 20
    assert scores["all"].read >= 0.9 * scores["all"].count
    assert scores["all"].wrong <= 1


@pytest.mark.skipif(not HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")
def test_the_stage_tells_how_far_a_camera_is_off(reader: LineReader) -> None:
    """The whole way from a JPEG to the observation, with the host's word for its own clock."""
    scene = street(np.random.default_rng(3))
    region = burnt_in(scene.copy(), written(NOON, "2026-12-01 18:00:05"), (20, 24))
    settings = stage.Config(kind="clock", region=region, every_s=5)
    camera = Camera.model_validate(
        {"name": "c", "point": "p", "source": {"kind": "rtsp", "url": "rtsp://a/b"}, "detectors": ["clock"]}
    )
    stages = {"clock": stage.Clock(settings, reader, reader.models)}
    judge = ClockJudge(2.0, HostClock(ManualClock(NOON), trusted=True))
    watched = WatchedCamera("cam", camera, stages, ManualClock(NOON), judge)
    said = []
    for i in range(3):
        at = NOON + timedelta(seconds=5 * i)
        picture = scene.copy()
        burnt_in(picture, written(at + timedelta(seconds=30), "2026-12-01 18:00:05"), (20, 24))
        shown = frame(i, at.astimezone(UTC), pixels=encoded(picture), width=1280, height=720)
        seen = watched.look(shown, Position("frames.v1", 0, i))
        said.append(seen.clock if seen else None)
    assert said[0] is None
    assert said[1] is not None
    assert (said[1].source, said[1].trusted, said[1].off) == ("osd", True, True)
    assert said[1].offset_s == pytest.approx(30.5, abs=0.1)
