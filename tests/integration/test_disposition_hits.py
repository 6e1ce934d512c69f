"""A vehicle that the police look for, from the order to the answer: the whole alert service in between.

The library registers and orders over HTTP, a camera's pictures go through the bus, and the library looks at
every field of what it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from alerts.actions import Doing, act
from alerts.incidents.life import Action
from alerts.store import Store
from alerts.store.schema import EvidenceRow, IncidentRow, OutboxRow
from deploy.demo.site import free_port
from deploy.simulators.viid_asking import AskingLibrary, disposition
from deploy.simulators.viid_orders import OrderingLibrary
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from lianfang.events import FRAMES, OBSERVATIONS, Frame, FrameReference
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows
from tests.integration.test_without_store import working
from tests.support.configs import SECRETS
from tests.support.dispositions import NUMBER, PLATE, library, ordered_site
from tests.support.http_camera import in_thread
from tests.support.observations import observation
from tests.support.stores import KINDS, opener
from tests.support.viid import TOLLGATE
from tests.support.viid_inbound import ZONE
from tests.unit.alerts.test_incidents import A

_JPEG = simplejpeg.encode_jpeg(np.full((360, 640, 3), 90, dtype=np.uint8), colorspace="BGR")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opener(request.param, tmp_path) as another:
        yield another()


class Camera:
    """A camera at the gate, past which one car drives."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._seq = bus, 0

    def sees(self, *plates: str) -> None:
        """Publish a picture, and what is in it."""
        self._seq, now = self._seq + 1, SystemClock().now()
        picture = Frame("cam", "c", self._seq, now, now, 640, 360, "jpeg", _JPEG)
        where = self._bus.publish(FRAMES, "cam", *codec.encode_frame(picture)).result(10)
        read = {"plate": plates[0], "plate_accepted": True} if plates else {}
        seen = observation(0, {1: A} if plates else {}, label="car", attributes=read)
        moments = dict.fromkeys(("captured_at", "published_at", "detected_at"), now)
        frame = FrameReference(
            topic=FRAMES,
            partition=where.partition,
            offset=where.offset,
            camera_id="cam",
            epoch="c",
            seq=self._seq,
        )
        value, headers = codec.encode_event(seen.model_copy(update={**moments, "frame": frame}))
        self._bus.publish(OBSERVATIONS, "cam", value, headers).result(10)


def local(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S")


async def ordered(url: str, order: dict[str, Any]) -> list[tuple[str, int]]:
    async with AskingLibrary(url) as platform:
        assert await platform.register() == 200
        return await platform.post("Disposition", [order])


def test_from_the_order_to_the_answer(
    tmp_path: Path, bus: Bus, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (SECRETS | {"TEST_TOKEN": "we-ask-you-1234"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("deploy.simulators.gat1400.PASSWORD", "we-ask-you-1234")
    now, port = SystemClock().now(), free_port(0)
    order = disposition(
        NUMBER,
        PLATE,
        BeginTime=local(now - timedelta(hours=1)),
        EndTime=local(now + timedelta(hours=1)),
        DispositionRange=1,
        TollgateList=TOLLGATE,
    )
    with in_thread(OrderingLibrary(say=lambda _: None)) as platform:
        platform.orders[NUMBER] = order
        site = ordered_site(
            tmp_path, ("receivers.library", library(port, platform.url)), ("api", {"port": free_port(0)})
        )
        camera = Camera(bus)
        with working(site, bus, store):
            assert asyncio.run(ordered(f"http://127.0.0.1:{port}", order)) == [(NUMBER, 0)]

            def incident() -> IncidentRow | None:
                camera.sees(PLATE)
                return next(iter(rows(store, IncidentRow)), None)

            until("an incident, a second after the order", incident)
            camera.sees()
            until("its picture", lambda: [e.state for e in rows(store, EvidenceRow)] == ["kept"])
            assert rows(store, OutboxRow) == [], "no person has confirmed it"
            (found,) = rows(store, IncidentRow)
            act(store, site, SystemClock(), found.id, Doing(Action.CONFIRM, "wang"))
            until("the answer", lambda: platform.hits)
            act(store, site, SystemClock(), found.id, Doing(Action.HANDLE, "wang", "看过"))
            until("all that is owed", lambda: {r.state for r in rows(store, OutboxRow)} == {"delivered"})
    (told,) = platform.hits.values()
    assert told["DispositionID"] == NUMBER
    assert told["MotorVehicleObject"]["PlateNo"] == PLATE
    assert told["MotorVehicleObject"]["TollgateID"] == TOLLGATE
    assert len(platform.told) == 1, "whatever becomes of the case"
    assert set(platform.refused) <= {"log in"}
