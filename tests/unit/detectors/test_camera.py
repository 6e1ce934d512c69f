"""When a watched camera begins another track epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from detectors.camera import WatchedCamera
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.events import FRAMES
from tests.support.looking import PERSON, Stage, frame
from tests.support.reading import configured

START = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "connection", "over"),
    [
        (0.2, "c1", False),
        (2.9, "c1", False),  # an occlusion: the tracker may still know who it was
        (3.0, "c1", True),  # nobody can be followed across
        (3.0, "c2", True),
        (0.2, "c2", False),  # a quick reconnect
        (-1.0, "c1", False),  # a repeated record
        (-29.0, "c2", False),
        (-30.0, "c2", True),  # the clock was ahead and has been set right
        (-30.0, "c1", False),
    ],
)
def test_another_track_epoch(seconds: float, connection: str, over: bool) -> None:
    stage = Stage(lambda _camera, _image: (PERSON,))
    config = configured({"cam": {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1:1/a"}}})
    watched = WatchedCamera("cam", config.cameras["cam"], {"objects": stage}, SystemClock())
    first = frame(0, START)
    assert not watched.is_over(first)
    assert watched.look(first, Position(FRAMES, 0, 0)) is not None
    assert watched.is_over(frame(1, START + timedelta(seconds=seconds), epoch=connection)) is over
