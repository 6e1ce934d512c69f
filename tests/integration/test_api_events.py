"""The live stream: nothing missing, nothing twice, and an end when there should be one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus

import pytest
from sqlalchemy.exc import OperationalError

from alerts.api import feed
from alerts.incidents.model import ChangeKind
from alerts.store import Store
from lianfang.clock import ManualClock
from tests.support.api import START, Client, Event, Site, config, events, serving


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store, ManualClock(START))
    store.close()


@pytest.fixture(scope="module")
def port(shared_site: Site) -> Iterator[int]:
    with serving(shared_site.app()) as port:
        yield port


@pytest.fixture
def site(shared_site: Site) -> Site:
    shared_site.clear()
    return shared_site


@pytest.fixture
def client(port: int) -> Client:
    client = Client(port)
    client.login()
    return client


@contextmanager
def following(client: Client, query: str = "", last_event_id: int | None = None) -> Iterator[Iterator[Event]]:
    headers = {} if last_event_id is None else {"last-event-id": str(last_event_id)}
    with client.connection("GET", f"/api/events{query}", headers=headers) as stream:
        assert stream.status == HTTPStatus.OK
        assert stream.headers["content-type"].startswith("text/event-stream")
        yield events(stream)


def until(stream: Iterator[Event], kind: str) -> list[Event]:
    """Return the events before, and with, the next of a kind."""
    seen = []
    for event in stream:
        seen.append(event)
        if event.kind == kind:
            return seen
    raise AssertionError(f"the stream ended before {kind}: {seen}")


def changes(stream: Iterator[Event], count: int) -> list[Event]:
    found = (event for event in stream if event.kind == "change")
    return [next(found) for _ in range(count)]


def test_what_was_missed_then_a_heartbeat_then_what_happens(site: Site, client: Client) -> None:
    first = site.open_incident(1)
    site.change(first, ChangeKind.RAISED, people=2)
    with following(client, "?after=0") as stream:
        missed = until(stream, "heartbeat")
        assert [e.kind for e in missed] == ["cameras", "change", "change", "heartbeat"]
        assert [e.id for e in missed] == [None, 1, 2, None]
        assert missed[-1].data == {"now": site.clock.now().isoformat().replace("+00:00", "Z"), "position": 2}
        # The incident is as it is now, in every event: a newer version is never overwritten by an older.
        assert [e.data["incident"]["version"] for e in missed if e.kind == "change"] == [2, 2]
        site.change(first, ChangeKind.CLEARED, occupied=False)
        (live,) = changes(stream, 1)
    assert (live.id, live.data["change"]["kind"]) == (3, "cleared")
    assert live.data["incident"]["presence"] == "left"
    assert live.data["incident"]["point"]["name"] == "东湖北岸"


def test_a_first_connection_without_a_number_starts_now(site: Site, client: Client) -> None:
    site.open_incident(1)
    with following(client) as stream:
        assert [e.kind for e in until(stream, "heartbeat")] == ["cameras", "heartbeat"]
        site.open_incident(2)
        assert [e.id for e in changes(stream, 1)] == [2]


def test_the_browsers_own_number_goes_before_that_of_the_address(site: Site, client: Client) -> None:
    for n in range(4):
        site.open_incident(n)
    with following(client, "?after=0", last_event_id=3) as stream:
        assert [e.id for e in until(stream, "heartbeat")] == [None, 4, None]


def test_many_consoles_that_come_and_go_see_every_change_once(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pages and memory so small that every way of catching up is taken.
    monkeypatch.setattr(feed, "PAGE", 3)
    total = 60
    incident = site.open_incident(0)

    def write() -> None:
        for n in range(1, total):
            site.change(incident, ChangeKind.RAISED, people=n)

    seen: list[list[int]] = [[] for _ in range(6)]

    def console(mine: list[int], turns: int) -> None:
        """Follow, hang up after a few changes, come back with the last number, to the end."""
        while len(mine) < total:
            with following(client, last_event_id=mine[-1] if mine else 0) as stream:
                count = min(turns, total - len(mine))
                mine += [e.id or 0 for e in changes(stream, count)]

    threads = [threading.Thread(target=console, args=(s, 5 + 11 * n)) for n, s in enumerate(seen)]
    for thread in [*threads, writer := threading.Thread(target=write)]:
        thread.start()
    for thread in [*threads, writer]:
        thread.join(60)
    assert seen == [list(range(1, total + 1))] * len(seen)


def test_a_replaced_or_far_older_store_says_so(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_CATCH_UP", 2)
    for n in range(3):
        site.open_incident(n)
    for last in (500, 0):
        with following(client, last_event_id=last) as stream:
            seen = until(stream, "heartbeat")
        assert [(e.kind, e.id) for e in seen] == [("reset", 3), ("cameras", None), ("heartbeat", None)]


def test_cameras_at_first_all_then_what_changed(site: Site, client: Client) -> None:
    with following(client) as stream:
        first = until(stream, "heartbeat")[0]
        assert [c["condition"] for c in first.data["cameras"]] == ["unknown"] * 3
        site.camera("gate_cam", "online")
        (changed,) = until(stream, "cameras")
        assert [(c["id"], c["condition"]) for c in changed.data["cameras"]] == [("gate_cam", "online")]


def test_heartbeats_go_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed.ChangeFeed.__init__, "__kwdefaults__", {"heartbeat_s": 0.02, "recent": 5})
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        with following(client) as stream:
            for _ in range(3):
                until(stream, "heartbeat")


def _expire(site: Site, _client: Client) -> None:
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(site.clock.now() + timedelta(hours=12))
    site.open_incident(99)  # any commit wakes the stream, whose own timer runs on real time


def _log_out(_site: Site, client: Client) -> None:
    client.post("/api/logout")


@pytest.mark.parametrize("end", [_expire, _log_out])
def test_the_stream_ends_with_the_session(
    site: Site, client: Client, end: Callable[[Site, Client], None]
) -> None:
    with following(client) as stream:
        until(stream, "heartbeat")
        end(site, client)
        assert [e for e in stream if e.kind == "change"] == []  # returns only because the stream ends


def test_a_stop_ends_open_streams_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the server's help the stop would wait until this grace is over, and fail in ``serving``.
    monkeypatch.setattr("alerts.api.server._GRACE_S", 600)
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        connection = client.connection("GET", "/api/events")
        stream = events(connection.__enter__())
        until(stream, "heartbeat")
    assert list(stream) == []
    connection.__exit__(None, None, None)


def test_a_store_that_fails_ends_the_streams_and_refuses_new_ones(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(client) as stream:
        until(stream, "heartbeat")

        @contextmanager
        def broken() -> Iterator[None]:
            raise OperationalError("SELECT", {}, Exception("disk I/O error"))
            yield

        with monkeypatch.context() as patch:
            patch.setattr(site.store, "read", broken)
            site.camera("gate_cam", "online")
            assert list(stream) == []
            reply = client.get("/api/events")
            assert (reply.status, reply.json["code"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable")
    with following(client) as stream:
        assert until(stream, "heartbeat")[0].data["cameras"][2]["condition"] == "online"
