"""A subscription through the whole alert service: it hears of what a person has confirmed, and takes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.actions import Doing, act
from alerts.incidents.life import Action
from alerts.store import Store
from alerts.store.schema import IncidentRow
from deploy.demo.site import free_port
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.viid_asking import AskingLibrary
from deploy.simulators.viid_subscriber import Subscriber, subscription
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from lianfang.events import FRAMES, OBSERVATIONS, Frame
from tests.integration.test_alert_worker import jpeg, rows
from tests.integration.test_without_store import working
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.observations import observation
from tests.support.stores import KINDS, opener
from tests.support.subscribing import number, site, states
from tests.unit.alerts.test_incidents import A


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of each kind."""
    with opener(request.param, tmp_path) as opened:
        yield opened()


async def somebody_comes(bus: Bus) -> None:
    """Publish what a camera and a detector say of somebody in the water zone, three pictures long."""
    for seq in range(3):
        await asyncio.sleep(0.2)
        now = SystemClock().now()
        frame = Frame("cam", "c", seq, now, now, 640, 360, "jpeg", jpeg(90))
        position = bus.publish(FRAMES, "cam", *codec.encode_frame(frame)).result(10)
        seen = observation(0, {1: A})
        at = {"seq": seq, "partition": position.partition, "offset": position.offset}
        moments = dict.fromkeys(("captured_at", "published_at", "detected_at"), now)
        seen = seen.model_copy(update={"frame": seen.frame.model_copy(update=at), **moments})
        value, headers = codec.encode_event(seen)
        bus.publish(OBSERVATIONS, "cam", value, headers).result(10)


async def asked(port: int, there: Subscriber) -> None:
    """Let the platform subscribe to persons: one subscription that is right, and one that is not."""
    right = subscription(number(), there.address, SubscribeDetail="11")
    wrong = subscription(number(2), "http://192.168.9.9/", SubscribeDetail="11")
    async with AskingLibrary(f"http://127.0.0.1:{port}") as platform:
        assert await platform.register() == 200
        said = await platform.post("Subscribe", [wrong, right])
        assert said == [(number(2), 4), (number(), 0)]
    there.desk.subscriptions[number()] = right


def test_a_subscriber_hears_of_what_a_person_has_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus: Bus, store: Store
) -> None:
    port = free_port(0)

    async def run() -> None:
        async with ViewLibrary(say=silent) as library, Subscriber(say=silent) as there:
            config = site(
                tmp_path,
                monkeypatch,
                library.url,
                ("api", {"port": free_port(0)}),
                ("rules.entry.notify", [{"receiver": "library", "mode": "live"}]),
                ("rules.entry.speech", ...),
                port=port,
                takes_trials=False,
            )

            def does(action: Action) -> None:
                (incident,) = rows(store, IncidentRow)
                act(store, config, SystemClock(), incident.id, Doing(action, "duty", note="看过了"))

            with working(config, bus, store):
                await asked(port, there)
                await somebody_comes(bus)
                await until(lambda: rows(store, IncidentRow))
                assert states(store) == []
                await asyncio.to_thread(does, Action.CONFIRM)
                await until(lambda: states(store) == ["delivered"])
                (said,) = there.desk.taken
                assert said["ExecuteOperation"] == 1
                assert said["InfoIDs"] in library.objects["Persons"]
                await asyncio.to_thread(does, Action.FALSE_ALARM)
                await until(lambda: states(store) == ["delivered"] * 2)
            assert [said["ExecuteOperation"] for said in there.desk.taken] == [1, 3]
            assert there.desk.there == {}
            assert there.desk.refused == []

    asyncio.run(run())
