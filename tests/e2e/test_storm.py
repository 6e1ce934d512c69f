"""Whatever the receivers do and whenever the alert service dies, everybody hears of everything, once."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.store.schema import OutboxRow
from tests.e2e.installation import Outside, nothing_lost_or_doubled, ready, until
from tests.e2e.storm import OF_RECEIVERS, OF_SPEAKERS, RECEIVERS, TIMEOUT_S, Storm, Visitors, failures
from tests.support.postgresql import shared_server

pytestmark = pytest.mark.e2e

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


def storm(folder: Path, *, cameras: int, visits: int, kills: int, store: str = "") -> None:
    """Let it happen, and hold what was received against what was owed."""
    print(f"to replay it: CHAOS_SEED={SEED}")  # pytest shows it where the test fails
    rng = random.Random(SEED)  # noqa: S311 - to replay it
    with Outside(*RECEIVERS[1:], keeps_time=False) as outside:
        for receiver in outside.receivers.values():
            receiver.misbehave(*failures(rng, 100 * cameras * visits, 0.3, OF_RECEIVERS))
        outside.speaker.misbehave(*failures(rng, 20 * cameras * visits, 0.3, OF_SPEAKERS))
        with Storm(folder, outside, cameras, store) as site:
            until("the service to be ready", lambda: ready(site))
            visitors = Visitors(site, visits)
            visitors.start()
            try:
                for _ in range(kills):
                    if rng.random() < 0.8:  # else it dies while it begins
                        until("the service to be ready", lambda: ready(site))
                    time.sleep(rng.uniform(0, 2))
                    site.kill()
                    site.start()
                until("every visit", lambda: visitors.visits == visits, 300)
            finally:
                visitors.stop()
            until("every incident to have ended", lambda: all(r.ended_at for r in site.incidents()), 120)
            until("everything delivered", lambda: not _pending(site), 300)
            until("the service to be ready", lambda: ready(site))  # one that begins is ended by its signal
            assert site.stop() == 0
            _hold_against(site, outside, cameras * visits)


def _pending(site: Storm) -> list[OutboxRow]:
    return [row for row in site.rows(OutboxRow) if row.state == "pending"]


def _hold_against(site: Storm, outside: Outside, visits: int) -> None:
    owed, spoken = site.rows(OutboxRow), outside.speaker.spoken.values()
    speeches = [row for row in owed if row.kind == "speech"]
    ends = Counter((row.kind, row.state) for row in owed)
    repeats = {name: len(receiver.repeats) for name, receiver in outside.receivers.items()}
    print(f"{dict(ends)}; repeated {repeats}, requests {outside.police.requests}")
    nothing_lost_or_doubled(site, outside)
    assert len(site.incidents()) == visits
    # Every message arrived at every receiver; no other did, and each under its one id.
    for name, receiver in outside.receivers.items():
        notices = {row.id for row in owed if row.receiver == name}
        assert {entry.id for entry in receiver.received} == notices
    assert {row.state for row in owed if row.kind == "notice"} == {"delivered"}
    # What was said was owed, and began in time: later only by what an attempt that began in time may take.
    assert {command.id for command in outside.speaker.received} <= {row.id for row in speeches}
    assert {row.id for row in speeches if row.state == "delivered"} <= {one.command.id for one in spoken}
    late = timedelta(seconds=TIMEOUT_S)
    assert all(one.began_at is None or one.began_at < one.command.valid_until + late for one in spoken)
    assert any(row.state == "delivered" for row in speeches)


def test_a_few_alerts_arrive_at_receivers_that_fail_while_the_service_is_killed(tmp_path: Path) -> None:
    storm(tmp_path, cameras=10, visits=3, kills=3)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_two_hundred_alerts_arrive_whenever_the_service_is_killed(tmp_path: Path, store: str) -> None:
    address = shared_server().create() if store == "postgresql" else ""
    storm(tmp_path, cameras=20, visits=10, kills=20, store=address)
