"""SubscribeNotifications: what subscribers are owed, and how it reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.store import Store, again, subscriptions
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from deploy.simulators.viid_subscriber import PATH, Subscriber, SubscribingLibrary
from lianfang.clock import Clock, ManualClock, SystemClock
from lianfang.config import Config
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.outbox import T0, open_store, owe_notice, row
from tests.support.stores import Opener, opener
from tests.support.subscribing import (
    ADDRESS,
    CAMERA,
    name,
    number,
    owed,
    site,
    states,
    subscribe,
    tell,
    tell_in,
    telling,
)
from tests.support.viid import TOLLGATE

Test = Callable[[Subscriber, Config], Awaitable[None]]


def _operations(store: Store) -> list[tuple[str, int, str]]:
    rows = owed(store)
    return [(row.payload["notify"]["kind"], row.payload["notify"]["operation"], row.state) for row in rows]


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


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    return site(tmp_path, monkeypatch)


def with_subscriber(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, test: Test, clock: Clock | None = None
) -> None:
    """Run ``test`` with a library, and a subscriber elsewhere that has subscribed to everything."""

    async def run() -> None:
        async with ViewLibrary(say=silent) as library, Subscriber(say=silent) as subscriber:
            config = site(folder, monkeypatch, library.url, timeout_s=20)
            subscribe(store, subscriber.desk, subscriber.address)
            async with telling(store, config, clock or SystemClock()):
                await test(subscriber, config)
            assert subscriber.desk.refused == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("wanted", "told", "kinds"),
    [
        ({}, {}, ["person"]),
        ({}, {"type": "plate"}, ["motor_vehicle"]),
        ({}, {"type": "helmet"}, ["non_motor_vehicle", "person"]),
        ({}, {"type": "crowd"}, []),  # a picture that stands for itself is no kind that one can ask for
        ({"kinds": [13]}, {"type": "helmet"}, []),
        ({"kinds": [14]}, {"type": "helmet"}, ["non_motor_vehicle"]),
        ({"resources": [CAMERA]}, {}, ["person"]),
        ({"resources": [TOLLGATE]}, {}, ["person"]),
        ({"resources": ["44200000001190000002"]}, {}, []),
        ({"begin_at": T0}, {}, ["person"]),
        ({"begin_at": T0 + timedelta(seconds=1)}, {}, []),
        ({"begin_at": T0}, {"opened_at": (T0 - timedelta(seconds=1)).isoformat()}, []),
        ({"end_at": T0}, {}, []),
        ({"end_at": T0 + timedelta(seconds=1)}, {}, ["person"]),
        ({}, {"change": "false_alarm"}, []),  # nobody has told them of it
    ],
    ids=str,
)
def test_they_are_owed_what_they_asked_for(
    store: Store, config: Config, wanted: dict[str, Any], told: dict[str, Any], kinds: list[str]
) -> None:
    subscribe(store, None, ADDRESS, **wanted)
    subscribe(store, None, ADDRESS, 2, kinds=[99])
    for _ in range(2):  # a decision that is written again changes nothing
        tell(store, config, **told)
    assert [kind for kind, _, _ in _operations(store)] == kinds
    assert owed(store, 2) == []


@pytest.mark.parametrize(
    "changed", [{"takes_trials": False}, {"answers": None}], ids=["no trials", "nobody may subscribe"]
)
def test_they_are_not_owed_what_the_library_is_not_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    subscribe(store, None, ADDRESS)
    tell(store, site(tmp_path, monkeypatch, **changed))
    assert owed(store) == []


def test_what_is_withdrawn_before_anybody_sent_it_is_never_sent(store: Store, config: Config) -> None:
    subscribe(store, None, ADDRESS)
    tell(store, config)
    tell(store, config, version=2, change="cleared")
    tell(store, config, "b")
    tell(store, config, version=3, change="false_alarm")
    tell(store, config, version=4, change="reopened")
    assert _operations(store) == [
        ("person", 1, "expired"),
        ("person", 2, "expired"),
        ("person", 1, "pending"),
        ("person", 1, "pending"),
    ]
    assert [one.last_error for one in owed(store)][:2] == ["withdrawn before it was sent"] * 2


def test_an_incident_is_added_changed_and_withdrawn(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, config: Config) -> None:
        changes = ["opened", "cleared", "false_alarm", "reopened"]
        for version, change in enumerate(changes, 1):
            tell(store, config, "a", version, change=change, type="helmet")
            await until(lambda v=version: states(store) == ["delivered"] * 2 * v)  # type: ignore[misc]
        taken = subscriber.desk.taken
        assert [said["ExecuteOperation"] for said in taken] == [1, 1, 2, 2, 3, 3, 1, 1]
        assert len({said["NotificationID"] for said in taken}) == 8
        assert {said["NotificationID"][:14] for said in taken} == {number()[:12] + "04"}
        assert {said["TriggerTime"] for said in taken} == {"20250601160000"}
        assert [one.outcome for one in owed(store)] == ["taken"] * 8
        assert len(subscriber.desk.there) == 2

    with_subscriber(store, tmp_path, monkeypatch, test)


def test_a_subscriber_that_is_dead_holds_up_nobody(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(_: Subscriber, config: Config) -> None:
        subscribe(alone, None, "http://127.0.0.1:9/x", 2)
        for incident in "abc":
            tell(alone, config, incident)
        with alone.write() as session:
            delivery = owe_notice(session, "library", "a")
        await until(lambda: states(alone) == ["delivered"] * 3 and owed(alone, 2)[0].attempts)
        await until(lambda: row(alone, delivery).state == "delivered")
        assert states(alone, 2) == ["pending"] * 3

    with_subscriber(alone, tmp_path, monkeypatch, test, ManualClock(T0))


@pytest.mark.parametrize(
    "fault", [Fault("status", 500), Fault("close"), Fault("lost"), Fault("status", 200, body="{}")], ids=str
)
def test_each_attempt_is_the_same_whatever_comes_meanwhile(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    clock = ManualClock(T0)

    async def test(subscriber: Subscriber, config: Config) -> None:
        subscriber.misbehave(fault)
        for incident in "ab":
            tell(alone, config, incident)
        await until(lambda: owed(alone) and owed(alone)[0].last_error)
        for incident in "cd":
            tell(alone, config, incident)
        clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: states(alone) == ["delivered"] * 4)
        desk = subscriber.desk
        assert sorted(len(said["InfoIDs"].split(",")) for said in desk.taken) in ([1, 3], [2, 2])
        assert len(set(desk.posted)) == 2
        # Lost is the answer only: what comes again under the id was the same, or it would have been refused.
        assert len(desk.posted) == (3 if fault.kind == "lost" else 2)

    with_subscriber(alone, tmp_path, monkeypatch, test, clock)


def test_between_two_messages_there_is_the_time_that_was_asked_for(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(T0)

    async def test(subscriber: Subscriber, config: Config) -> None:
        desk = subscriber.desk
        subscribe(alone, desk, subscriber.address, interval_s=60)
        tell(alone, config, "a")
        await until(lambda: states(alone) == ["delivered"])
        for incident in "bcd":
            tell(alone, config, incident)
        tell(alone, config, "a", 2, change="cleared")
        tell(alone, config, "a", 3, change="ended")
        clock.advance_to(T0 + timedelta(seconds=59))
        await asyncio.sleep(0.2)
        assert len(desk.taken) == 1
        clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: states(alone).count("delivered") == 4)
        clock.advance_to(T0 + timedelta(seconds=119))
        await asyncio.sleep(0.2)
        assert len(desk.taken) == 2
        clock.advance_to(T0 + timedelta(seconds=120))
        await until(lambda: states(alone).count("delivered") == 6)
        told = [(said["ExecuteOperation"], len(said["InfoIDs"].split(","))) for said in desk.taken]
        assert told == [(1, 1), (1, 3), (2, 1)]

    with_subscriber(alone, tmp_path, monkeypatch, test, clock)


def test_one_that_is_refused_takes_no_other_along(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, config: Config) -> None:
        subscriber.misbehave(Fault("late", delay_s=0.5))
        subscriber.desk.codes = [0, 8, 0, 8]  # the first; three of them, and each by itself
        tell(store, config, "first")
        await until(lambda: subscriber.requests == 1)
        with store.write() as session:  # together, while the first is under way
            for incident in "abc":
                tell_in(session, config, incident)
        await until(lambda: "pending" not in states(store))
        assert states(store) == ["delivered", "delivered", "dead", "delivered"]
        assert len(subscriber.desk.there) == 3

    with_subscriber(store, tmp_path, monkeypatch, test)


def test_what_is_withdrawn_while_it_is_tried_is_withdrawn_there(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(T0)

    async def test(subscriber: Subscriber, config: Config) -> None:
        subscriber.misbehave(Fault("lost"))
        with alone.write() as session:
            for incident in "ab":
                tell_in(session, config, incident)
        await until(lambda: owed(alone) and owed(alone)[0].last_error)
        tell(alone, config, "b", 2, change="false_alarm")
        clock.advance_to(T0 + timedelta(seconds=60))
        await until(lambda: states(alone) == ["delivered"] * 3)
        assert [said["ExecuteOperation"] for said in subscriber.desk.taken] == [1, 3]
        assert len(subscriber.desk.there) == 1

    with_subscriber(alone, tmp_path, monkeypatch, test, clock)


def test_one_that_is_refused_alone_is_a_dead_letter(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, config: Config) -> None:
        subscriber.desk.codes = [8]
        tell(alone, config, "a")
        await until(lambda: states(alone) == ["dead"])
        tell(alone, config, "a", 2, change="cleared")  # they do not have it: it is new to them
        await until(lambda: states(alone) == ["dead", "delivered"])
        assert subscriber.desk.taken[0]["ExecuteOperation"] == 1

    with_subscriber(alone, tmp_path, monkeypatch, test)


@pytest.mark.parametrize("end", ["cancelled", "deleted", "expired"])
def test_when_it_is_over_nothing_more_is_sent(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    clock = ManualClock(T0)

    async def test(subscriber: Subscriber, config: Config) -> None:
        over = T0 + timedelta(seconds=900)
        subscribe(alone, subscriber.desk, subscriber.address, interval_s=1800, end_at=over)
        tell(alone, config, "a")
        await until(lambda: states(alone) == ["delivered"])
        tell(alone, config, "b")
        with alone.write() as session:
            if end == "cancelled":
                subscriptions.cancel(session, "library", number(), T0)
            if end == "deleted":
                subscriptions.remove(session, "library", number())
        if end == "expired":
            clock.advance_to(over)
        await until(lambda: states(alone) == ["delivered", "expired"])
        assert owed(alone)[1].last_error.endswith(end)
        tell(alone, config, "c", now=clock.now())
        with alone.write() as session:  # a person asks for it once more
            again.replay_span(session, name(), T0, over, clock.now(), delivered=True)
        await until(lambda: states(alone)[0] in ("expired", "dead"))  # by whoever finds it first
        assert len(owed(alone)) == 2
        assert len(subscriber.desk.posted) == 1

    with_subscriber(alone, tmp_path, monkeypatch, test, clock)


def test_the_platform_itself_is_told_as_the_device_that_is_registered_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with SubscribingLibrary(say=silent) as library:
            config = site(tmp_path, monkeypatch, library.url)
            subscribe(store, library.desk, library.url + PATH)
            async with telling(store, config, SystemClock()):
                tell(store, config, "a")
                await until(lambda: states(store) == ["delivered"])
                library.forget()
                tell(store, config, "b")
                await until(lambda: states(store) == ["delivered"] * 2)
            assert library.registrations == 2
            assert library.desk.refused == []
            assert len(library.desk.taken) == 2

    asyncio.run(run())


def test_two_services_tell_one_subscriber_in_order(
    shared: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = shared(), shared()

    async def test(subscriber: Subscriber, config: Config) -> None:
        now = SystemClock().now()
        async with telling(other, config, SystemClock()):
            for version, change in enumerate(["opened", "cleared", "false_alarm", "reopened"], 1):
                for incident in "abcdefgh":
                    tell((store, other)[version % 2], config, incident, version, change=change, now=now)
            await until(lambda: "pending" not in states(store))
        # What is withdrawn before it is sent is not sent: how much that is, is a matter of chance.
        assert set(states(store)) <= {"delivered", "expired"}
        assert len(subscriber.desk.there) == 8
        assert len(set(subscriber.desk.posted)) == len(subscriber.desk.posted)

    with_subscriber(store, tmp_path, monkeypatch, test)


def test_whoever_is_gone_is_not_called_again(
    alone: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(subscriber: Subscriber, config: Config) -> None:
        subscriber.misbehave(Fault("status", 410))
        tell(alone, config, "a")
        await until(lambda: owed(alone) and owed(alone)[0].last_error)
        tell(alone, config, "b")
        await asyncio.sleep(0.2)
        assert states(alone) == ["pending"] * 2
        assert subscriber.requests == 1

    with_subscriber(alone, tmp_path, monkeypatch, test, ManualClock(T0))


def test_a_subscriber_has_a_name_of_its_own() -> None:
    assert name() == f"library:{number()}"
