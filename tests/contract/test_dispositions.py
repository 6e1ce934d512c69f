"""Dispositions in the store: each stood for a time, and what comes later does not change what was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts.store import Store, dispositions, facts
from tests.support.dispositions import LOOKS_LIKE, NUMBER, OTHER, PLATE, order, revoke, wanted
from tests.support.observations import at


def stood(store: Store) -> list[tuple[str, float, float]]:
    """Return (plate, since, until) in seconds of all that ever stood."""
    with store.read() as session:
        found = dispositions.load(session).all
    return [(d.plate, (d.since - at(0)).total_seconds(), (d.until - at(0)).total_seconds()) for d in found]


def change_end(store: Store) -> None:
    order(store, 20, end_at=at(100))


def set_again(store: Store) -> None:
    revoke(store, 20)
    order(store, 30)


def delete(store: Store) -> None:
    with store.write() as session:
        assert dispositions.end(session, "library", NUMBER, "deleted", at(19))
        assert dispositions.end(session, "library", NUMBER, "deleted", at(25)) is False


@pytest.mark.parametrize(
    ("then", "found"),
    [
        (lambda _: None, [(PLATE, 10, 3600)]),
        (lambda store: order(store, 20), [(PLATE, 10, 3600)]),  # twice the same is as once
        (lambda store: revoke(store, 20), [(PLATE, 10, 20)]),
        (delete, [(PLATE, 10, 20)]),
        (change_end, [(PLATE, 10, 20), (PLATE, 20, 100)]),
        (set_again, [(PLATE, 10, 20), (PLATE, 30, 3600)]),
        (lambda store: order(store, 20, begin_at=at(50)), [(PLATE, 10, 20), (PLATE, 50, 3600)]),
        (lambda store: order(store, 20, end_at=at(15)), [(PLATE, 10, 20)]),
        (lambda store: order(store, 10), [(PLATE, 10, 3600)]),
    ],
    ids=range(9),
)
def test_each_stands_from_when_it_was_received(
    store: Store, then: Callable[[Store], None], found: list[tuple[str, float, float]]
) -> None:
    order(store, 10)
    then(store)
    assert stood(store) == found


def test_one_that_was_received_before_it_begins_waits(store: Store) -> None:
    order(store, 10, begin_at=at(60))
    assert stood(store) == [(PLATE, 60, 3600)]


def test_what_is_over_is_left_out_with_all_that_was_said_of_it(store: Store) -> None:
    order(store, 0, end_at=at(3600))
    order(store, 10, end_at=at(50))  # said later, and over before
    order(store, 0, OTHER, end_at=at(50))
    with store.read() as session:
        recent = dispositions.load(session, at(100)).all
        assert [(d.number, d.until) for d in recent] == [(NUMBER, at(10)), (NUMBER, at(50))]


def test_those_about_a_plate_are_found_whatever_was_said_of_them_since(store: Store) -> None:
    order(store, 10)
    order(store, 20, plate="粤A98765")
    order(store, 10, OTHER, plate=LOOKS_LIKE)
    with store.read() as session:
        about = dispositions.about(session, "library", PLATE)
        assert [(d.number, d.plate) for d in about.all if d.plate != "粤A98765"] == [
            (NUMBER, PLATE),
            (OTHER, LOOKS_LIKE),
        ]
        hit = about.hit("library", PLATE, at(15), "")
        assert hit is not None
        assert (hit.exact, [d.number for d in hit.dispositions]) == (True, [NUMBER])
        later = about.hit("library", PLATE, at(25), "")
        assert later is not None
        assert (later.exact, [d.number for d in later.dispositions]) == (False, [OTHER])
        assert dispositions.about(session, "another", PLATE).all == ()
        assert dispositions.about(session, "library", "粤C00001").all == ()


def test_what_is_kept_is_the_last_word_and_nothing_that_was_deleted(store: Store) -> None:
    order(store, 10)
    order(store, 20, title="改")
    order(store, 30, OTHER)
    revoke(store, 40, OTHER)
    with store.read() as session:
        assert [(row.number, row.word, row.title) for row in dispositions.kept(session, "library")] == [
            (NUMBER, "set", "改"),
            (OTHER, "revoked", "盗抢车辆"),
        ]
        assert dispositions.is_kept(session, "library", OTHER)
        assert not dispositions.is_kept(session, "another", OTHER)
    with store.write() as session:
        dispositions.end(session, "library", NUMBER, "deleted", at(50))
        assert not dispositions.end(session, "library", "0" * 33, "revoked", at(50))
        assert not dispositions.is_kept(session, "library", NUMBER)
    with store.read() as session:
        assert [row.number for row in dispositions.kept(session, "library")] == [OTHER]


def test_whoever_asks_again_learns_only_what_is_new(store: Store) -> None:
    order(store, 10)
    with store.read() as session:
        known = facts.fresh(session, facts.load(session), at(10), switched=False, ordered=True)
        assert facts.fresh(session, known, at(10), switched=False, ordered=True) == known
        assert facts.fresh(session, known, at(10), switched=False).dispositions.all == ()
    revoke(store, 20)
    with store.read() as session:
        after = facts.fresh(session, known, at(10), switched=False, ordered=True)
    assert [d.until for d in after.dispositions.all] == [at(20)]


def test_many_at_once_lose_nothing(store: Store) -> None:
    numbers = [f"{n:033}" for n in range(20)]

    def put(number: str) -> None:
        with store.write() as session:
            dispositions.put(session, "library", number, wanted(), at(0))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(put, numbers))
    with store.read() as session:
        assert {row.number for row in dispositions.kept(session, "library")} == set(numbers)
        assert dispositions.newest(session) == 20
