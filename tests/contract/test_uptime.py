"""Times of registration, clocks and what cameras said, in every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alembic import command
from sqlalchemy import column, insert, table

from alerts.reports import availability
from alerts.store import Store, uptime
from alerts.store.schema import CameraStateRow
from alerts.store.store import migrate, migrations

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_registration_grows_and_several_services_count_once(store: Store) -> None:
    with store.write() as session:
        uptime.linked(session, "police", NOON, NOON + HOUR)
        uptime.linked(session, "police", NOON, NOON + 2 * HOUR)
        uptime.linked(session, "police", NOON + HOUR, NOON + 3 * HOUR)  # another service over the same store
        uptime.linked(session, "police", NOON + 6 * HOUR, NOON + 7 * HOUR)
    with store.read() as session:
        spans = uptime.links(session, "police", NOON, NOON + 24 * HOUR)
        assert [end - begin for begin, end in spans] == [2 * HOUR, 2 * HOUR, HOUR]
        assert availability.link(session, "police", NOON, NOON + 8 * HOUR) == 0.5
        assert availability.link(session, "police", NOON - 2 * HOUR, NOON) == 0
        assert availability.link(session, "police", NOON, NOON) is None
        assert availability.link(session, "elsewhere", NOON, NOON + HOUR) is None


def test_clocks_of_one_moment_are_one(store: Store) -> None:
    with store.write() as session:
        for offset_s in (0.5, 0.7):
            uptime.compared(session, "police", NOON, offset_s)
        uptime.compared(session, "police", NOON + HOUR, -2)
    with store.read() as session:
        assert uptime.offsets(session, "police", NOON, NOON + 2 * HOUR) == [0.5, -2]
        assert uptime.offsets(session, "police", NOON, NOON + HOUR) == [0.5]
        assert availability.clock(session, "elsewhere", NOON, NOON + HOUR) is None


def test_of_two_words_of_one_moment_the_later_one_holds(store: Store) -> None:
    with store.write() as session:
        for condition in ("online", "offline"):
            uptime.camera_changed(session, "gate", condition, NOON)
            session.flush()
    with store.read() as session:
        assert uptime.camera_changes(session, "gate", NOON + HOUR, NOON + 2 * HOUR) == [(NOON, "offline")]
        shares = availability.cameras(session, ["gate"], NOON, NOON + HOUR)
        assert shares == {"gate": availability.Pictures(0, 0)}


def test_history_begins_with_what_is_known(store: Store) -> None:
    with migrations(store._database) as config:
        command.downgrade(config, "0022")
    with store.write() as session:
        since = CameraStateRow.__table__.c.since
        names = ("camera", "condition", "reason")
        states = table("camera_states", *map(column, names), column("since", since.type))
        session.execute(insert(states).values(camera="gate", condition="offline", reason="", since=NOON))
    migrate(store._database)
    with store.read() as session:
        assert uptime.camera_changes(session, "gate", NOON + HOUR, NOON + HOUR) == [(NOON, "offline")]
