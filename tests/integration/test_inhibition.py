"""A rule held back by one that says more: what is said, and what receivers get."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from alerts.store import Store
from alerts.store.schema import OutboxRow
from tests.integration.test_suppression import incidents, owed, play, timeline
from tests.support.observations import at
from tests.unit.alerts.test_inhibition import site, stay

NOTIFY = [{"receiver": "police", "mode": "drill"}]


def told(store: Store) -> list[tuple[float, str]]:
    return [((moment - at(0)).total_seconds(), receiver) for moment, receiver in owed(store, "notice")]


def test_speakers_do_not_wait_and_receivers_do(store: Store, tmp_path: Path) -> None:
    play(store, site(tmp_path, ("rules.bank.notify", NOTIFY)), [], stay(0, 10))
    assert [moment for moment, _ in owed(store, "speech")] == [at(0)]
    assert timeline(store) == [("opened", ""), ("heard", "")]
    assert told(store) == [(5.0, "police")]


def test_receivers_hear_of_the_one_that_says_more_only(store: Store, tmp_path: Path) -> None:
    config = site(tmp_path, ("rules.bank.notify", NOTIFY), ("rules.swim.notify", NOTIFY))
    play(store, config, [], [*stay(0, 2), *stay(2, 20, wet=True), *stay(20, 60, wet=None)])
    bank, swim = sorted(incidents(store), key=lambda row: row.rule)
    assert (bank.muted, bank.muted_by, bank.state) == ("inhibited", swim.id, "closed")
    assert {row.incident_id for row in _notices(store)} == {swim.id}
    assert [moment for moment, _ in owed(store, "speech")] == [at(0)], "it was not known yet"


def test_what_was_told_before_is_told_to_be_over(store: Store, tmp_path: Path) -> None:
    config = site(tmp_path, ("rules.bank.notify", NOTIFY))
    play(store, config, [], [*stay(0, 10), *stay(10, 12, wet=True), *stay(12, 20, wet=None)])
    bank = next(row for row in incidents(store) if row.rule == "bank")
    assert [row.payload["change"] for row in _notices(store)] == ["heard", "cleared"]
    assert bank.muted == "inhibited"


def _notices(store: Store) -> list[OutboxRow]:
    with store.read() as session:
        return list(
            session.scalars(select(OutboxRow).where(OutboxRow.kind == "notice").order_by(OutboxRow.seq))
        )
