"""A camera as it is now, over every bus: read while somebody looks, with what detectors saw."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts.live.viewers import Full, Viewer, Viewers
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.events import DetectedObject
from tests.support.kafka import connected, shared_broker
from tests.support.live import BOX, running

WAIT_S = 30.0


@pytest.fixture(params=["embedded", "kafka"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    opened = EmbeddedBus.own(tmp_path) if request.param == "embedded" else connected(shared_broker())
    with closing(opened):
        yield opened


def test_a_camera_is_read_while_somebody_looks_and_no_longer(bus: Bus) -> None:
    camera = f"cam_{secrets.token_hex(4)}"
    viewers = Viewers(bus, SystemClock(), 2, lambda _: "place")

    async def look() -> None:
        plain, seen = (viewers.open(camera, annotated=annotated) for annotated in (False, True))
        with pytest.raises(Full, match="2 look already"):
            viewers.open(camera, annotated=False)
        shot = await plain.next(WAIT_S)
        assert shot is not None
        assert shot.objects is None
        assert [o.xyxyn for o in await _objects(seen)] == [BOX]
        later = await plain.next(WAIT_S)
        assert later is not None
        assert later.captured_at > shot.captured_at
        assert viewers.watched() == [camera]
        for viewer in (plain, seen):
            viewers.leave(camera, viewer)
        assert (viewers.count, viewers.watched()) == (0, [])

    with running(bus, camera, "place"):
        asyncio.run(look())
    viewers.close()


async def _objects(viewer: Viewer) -> tuple[DetectedObject, ...]:
    """Return what detectors saw in the first picture of which they say something."""
    while True:
        shot = await viewer.next(WAIT_S)
        assert shot is not None
        if shot.objects is not None:
            return shot.objects
