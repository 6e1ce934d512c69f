"""Subscribers to cameras and tollgates: told of the records as they are, and of each that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery import recorded
from alerts.store import Store, subscriptions
from alerts.store.schema import CameraStateRow
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from deploy.simulators.viid_subscriber import Subscriber
from lianfang.clock import Clock, ManualClock, SystemClock
from lianfang.config import Config
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.outbox import T0, open_store
from tests.support.records import GATE, RECORD, WHERE
from tests.support.stores import Opener, opener
from tests.support.subscribing import CAMERA, name, number, site, subscribe, telling

SECOND = "44200000001190000002"
Test = Callable[[Subscriber, Config], Awaitable[None]]
_COMPLETE: tuple[tuple[str, Any], ...] = (
    ("community.place_code", "442000"),
    ("points.bank", {"name": "东岸", **WHERE}),
    ("cameras.cam.record", dict(RECORD)),
    ("cameras.cam.source", {"kind": "rtsp", "url": "rtsp://u:p@10.1.2.3/a"}),
    ("cameras.cam2.device_code", SECOND),
    ("cameras.cam2.source", {"kind": "rtsp", "url": "rtsp://10.1.2.4/a"}),
)
_BOTH = (*_COMPLETE, ("cameras.cam2.record", dict(RECORD)))


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Store]:
    """A store whose time is that of the clock that is given."""
    with closing(open_store(tmp_path)) as store:
        yield store


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Opener]:
    """What opens a store that several services share."""
    with opener("postgresql", tmp_path) as another:
        yield another


def says(store: Store, camera: str, condition: str) -> None:
    """Let the stream of a camera say how it is."""
    with store.write() as session:
        row = session.get(CameraStateRow, camera)
        if row is None:
            session.add(CameraStateRow(camera=camera, condition=condition, since=T0))
        else:
            row.condition = condition


def told(subscriber: Subscriber) -> list[tuple[int, str]]:
    """Return (operation, ids) of every message in its order."""
    return [(said["ExecuteOperation"], said["InfoIDs"]) for said in subscriber.desk.taken]


def with_subscriber(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    test: Test,
    *changes: tuple[str, Any],
    clock: Clock | None = None,
    **changed: Any,  # noqa: ANN401
) -> None:
    """Run ``test`` beside a subscriber to every record; ``changed`` is what it asks for otherwise."""
    monkeypatch.setattr(recorded.RecordsTold.keep, "__defaults__", (0.02,))

    async def run() -> None:
        async with ViewLibrary(say=silent) as library, Subscriber(say=silent) as subscriber:
            config = site(
                folder, monkeypatch, library.url, *changes, tollgates={"cam": GATE}, takes_trials=True
            )
            subscribe(store, subscriber.desk, subscriber.address, **{"kinds": [3, 7], **changed})
            async with telling(store, config, clock or SystemClock()):
                await test(subscriber, config)
            assert subscriber.desk.refused == []

    asyncio.run(run())


def test_all_that_are_complete_at_the_start_and_then_each_that_changes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, _: Config) -> None:
        await until(lambda: len(subscriber.desk.taken) == 2)
        assert told(subscriber) == [(1, CAMERA), (1, GATE["code"])]  # the other camera lacks its model
        assert subscriber.desk.there[CAMERA]["IsOnline"] == "9"
        says(store, "cam", "offline")
        await until(lambda: len(subscriber.desk.taken) == 3)
        assert told(subscriber)[2] == (2, CAMERA)
        assert subscriber.desk.there[CAMERA]["IsOnline"] == "2"
        says(store, "cam2", "offline")
        await asyncio.sleep(0.2)
        assert len(subscriber.desk.posted) == 3

    with_subscriber(tmp_path, monkeypatch, store, test, *_COMPLETE)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"kinds": [3]}, [(1, f"{CAMERA},{SECOND}")]),
        ({"kinds": [7]}, [(1, GATE["code"])]),
        ({"resources": [SECOND]}, [(1, SECOND)]),
        ({"kinds": [11, 13, 14]}, []),
        ({"begin_at": T0 + timedelta(days=3649)}, []),
    ],
    ids=str,
)
def test_only_what_was_asked_for(
    alone: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    expected: list[tuple[int, str]],
) -> None:
    async def test(subscriber: Subscriber, _: Config) -> None:
        await until(lambda: told(subscriber) == expected)
        await asyncio.sleep(0.2)
        assert told(subscriber) == expected

    with_subscriber(tmp_path, monkeypatch, alone, test, *_BOTH, **changed)


def test_a_restart_tells_nothing_anew(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def begins(subscriber: Subscriber, _: Config) -> None:
        await until(lambda: len(subscriber.desk.taken) == 2)

    async def goes_on(subscriber: Subscriber, _: Config) -> None:
        says(store, "cam", "online")
        subscriber.desk.there[CAMERA] = {}  # as it was told before
        await until(lambda: told(subscriber) == [(2, CAMERA)])
        await asyncio.sleep(0.2)
        assert len(subscriber.desk.posted) == 1

    with_subscriber(tmp_path, monkeypatch, store, begins, *_COMPLETE)
    with_subscriber(tmp_path, monkeypatch, store, goes_on, *_COMPLETE)


@pytest.mark.parametrize("fault", [Fault("status", 500), Fault("lost")], ids=str)
def test_each_attempt_is_the_same_unless_it_has_changed(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    clock = ManualClock(T0)

    async def test(subscriber: Subscriber, _: Config) -> None:
        await until(lambda: len(subscriber.desk.taken) == 1)
        subscriber.misbehave(fault)
        says(alone, "cam", "offline")
        await until(lambda: subscriber.requests == 2)
        await asyncio.sleep(0.2)
        assert subscriber.requests == 2  # not before its time
        clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: subscriber.requests == 3)
        await until(lambda: told(subscriber) == [(1, CAMERA), (2, CAMERA)])
        assert len(set(subscriber.desk.posted)) == 2

    with_subscriber(tmp_path, monkeypatch, alone, test, *_COMPLETE, clock=clock, kinds=[3])


def test_one_that_is_dead_holds_up_nobody_and_one_that_refuses_is_left_alone(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, _: Config) -> None:
        subscriber.desk.codes = [8]
        await until(lambda: len(subscriber.desk.posted) == 1)
        subscribe(alone, subscriber.desk, subscriber.address, 3, kinds=[3])
        await until(lambda: told(subscriber) == [(1, CAMERA)])
        await asyncio.sleep(0.2)
        assert len(subscriber.desk.posted) == 2
        with alone.read() as session:
            rows = {row.number: row.told for row in subscriptions.kept(session, "library")}
        assert rows[number(2)] == {}

    subscribe(alone, None, "http://127.0.0.1:9/x", 2, kinds=[3])
    with_subscriber(tmp_path, monkeypatch, alone, test, *_COMPLETE, kinds=[3])


def test_of_two_services_one_tells(shared: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = shared(), shared()

    async def test(subscriber: Subscriber, config: Config) -> None:
        async with telling(other, config, SystemClock()):
            await until(lambda: len(subscriber.desk.taken) == 2)
            for n, condition in enumerate(("offline", "online") * 3, 3):
                says(store, "cam", condition)
                await until(lambda n=n: len(subscriber.desk.taken) == n)  # type: ignore[misc]
        assert len(subscriber.desk.posted) == 8

    with_subscriber(tmp_path, monkeypatch, store, test, *_COMPLETE)


def test_between_two_messages_there_is_the_time_that_was_asked_for(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(T0)

    def waits() -> bool:
        with alone.read() as session:
            return session.get_one(subscriptions.SubscriptionRow, name()).next_at is not None

    async def test(subscriber: Subscriber, _: Config) -> None:
        await until(waits)
        clock.advance_to(T0 + timedelta(seconds=59))
        await asyncio.sleep(0.2)
        assert told(subscriber) == [(1, CAMERA)]
        clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: told(subscriber) == [(1, CAMERA), (1, GATE["code"])])

    with_subscriber(tmp_path, monkeypatch, alone, test, *_COMPLETE, clock=clock, interval_s=60)
