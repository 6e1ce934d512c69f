"""Two alert services share one PostgreSQL and one Kafka, and one of them is killed."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from alerts.backtest.past import Span, raised
from alerts.store.schema import EvidenceRow, IncidentRow
from lianfang.config import load
from tests.e2e.installation import Outside, nothing_lost_or_doubled, until
from tests.e2e.shared import SERVICES, People, Shared
from tests.support.kafka import connected, own_broker
from tests.support.postgresql import shared_server

pytestmark = pytest.mark.e2e


def test_one_of_two_alert_services_is_killed_and_the_other_goes_on(tmp_path: Path, outside: Outside) -> None:
    """What the store holds is what the rules make of the log, whoever has read it."""
    rng = random.Random(2)  # noqa: S311 - to replay it
    with own_broker(tmp_path / "broker") as broker:
        bus = connected(broker.address)
        people = People(bus)
        with Shared(tmp_path, outside, broker.address, shared_server().create()) as site:
            until("two services that share the cameras", lambda: all(map(site.partitions, SERVICES)))
            assert not set(site.partitions("one")) & set(site.partitions("two"))
            # Speeches that nobody delivers yet are too late after 30 s, as they should be.
            until("both ready", lambda: all(map(site.ready, SERVICES)))
            people.start()
            until("incidents of both", lambda: len({row.camera for row in site.rows(IncidentRow)}) >= 5)
            time.sleep(rng.uniform(0, 1))
            dead, alive = rng.sample(SERVICES, 2)
            site.kill(dead)
            killed, known = time.monotonic(), {row.id for row in site.rows(IncidentRow)}
            all_of_it = len(site.partitions("one")) + len(site.partitions("two"))
            until("the other one to have everything", lambda: len(site.partitions(alive)) == all_of_it)
            until(
                "new incidents",
                lambda: len({r.camera for r in site.rows(IncidentRow) if r.id not in known}) == 6,
            )
            print(f"every camera was decided about again {time.monotonic() - killed:.1f} s after the kill")
            until("the other one to be ready", lambda: site.ready(alive))
            people.stop()
            ends = people.published
            until(
                "the end of the log",
                lambda: all(site.stands_at().get(p, 0) >= end for p, end in ends.items()),
            )
            until("everything delivered", lambda: not site.owed())
            until("the pictures", lambda: all(row.state != "pending" for row in site.rows(EvidenceRow)))
            assert site.stop() == 0
            expected = {
                i.id for i in raised(load(site.file_of(alive)), bus, Span(None, None), lambda _: None)
            }
            incidents = {row.id for row in site.rows(IncidentRow)}
            pictures = {row.incident_id for row in site.rows(EvidenceRow) if row.state == "kept"}
            nothing_lost_or_doubled(site, outside)
        bus.close()
    assert len(expected) > 10
    assert incidents == expected
    assert pictures == expected
