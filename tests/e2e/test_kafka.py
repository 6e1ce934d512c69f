"""The services apart, over a real broker: each of them, and the broker, killed or stopped in the middle."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

from alerts.pipeline.worker import GROUP
from alerts.store.schema import CameraStateRow, ChangeRow, DeadRecordRow, EvidenceRow
from deploy.kafka import Broker
from lianfang.events import OBSERVATIONS
from tests.e2e.apart import SERVICES, Apart
from tests.e2e.installation import Outside, from_file, nothing_lost_or_doubled, ready, until
from tests.support.kafka import connected, fresh, own_broker, poll_until_assigned
from tests.support.rtsp_server import RtspServer, require_rtsp
from tests.truth.labels import load

pytestmark = pytest.mark.e2e

CHAOS = [pytest.mark.chaos, pytest.mark.timeout(1800)]
GROWTH_MB = 80.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with own_broker(tmp_path / "broker") as broker:
        yield broker


@pytest.mark.parametrize("away_s", [4, pytest.param(60, marks=CHAOS)])
def test_whatever_dies_or_stands_still_it_stays_one_incident(
    tmp_path: Path, outside: Outside, video: Path, broker: Broker, away_s: float
) -> None:
    """Somebody is always in the picture: one incident, spoken to once, reported once."""
    require_rtsp()
    took: dict[str, float] = {}
    with (
        RtspServer(video) as camera,
        Apart(tmp_path, outside, {"kind": "rtsp", "url": camera.url}, broker.address) as site,
    ):
        started = time.monotonic()
        until("an incident", site.incidents)
        took["first incident"] = time.monotonic() - started
        until("the speaker to have spoken", outside.speaker.played)
        until("a notice at the police", lambda: outside.police.received)
        until("the pictures", lambda: [e for e in site.rows(EvidenceRow) if e.state == "kept"])
        until("two detectors that share the cameras", site.shared)

        dead = site.holder()
        site.kill(dead)
        took["a detector killed"] = site.seconds_until_observed()
        site.start_service(dead)
        until("two detectors that share the cameras", site.shared)
        kinds = Counter(row.kind for row in site.rows(ChangeRow))
        assert kinds["cleared"] == kinds["returned"] == 0, "it is the same people who are seen again"

        site.kill("alerts")
        site.start_service("alerts")
        took["alerts killed"] = site.seconds_until_observed()

        before = site.rss_mb()
        broker.pause()
        most = _watch_memory(site, away_s)
        broker.resume()
        took[f"a broker that stood still for {away_s} s"] = site.seconds_until_observed()
        broker.kill()
        until("every service says that it is not ready", lambda: len(site.unready()) == len(SERVICES))
        most |= {name: max(mb, most[name]) for name, mb in _watch_memory(site, away_s).items()}
        broker.start()
        took[f"a broker killed and away for {away_s} s"] = site.seconds_until_observed()
        until("every service is ready", lambda: not site.unready())

        until("everything delivered", lambda: not site.owed())
        kinds = Counter(row.kind for row in site.rows(ChangeRow))
        (incident,) = site.incidents()
        dead_records, states = site.rows(DeadRecordRow), site.rows(CameraStateRow)
        assert site.stop() == 0
        _everything_published_was_decided_on(site, broker)
    for what, seconds in took.items():
        print(f"{what}: {seconds:.1f} s until observations are decided on again")
    growth = {name: most[name] - before[name] for name in before}
    print("memory while the broker was away:", {n: f"+{mb:.0f} MB" for n, mb in growth.items()})
    assert incident.occupied
    assert kinds["opened"] == 1
    assert kinds["cleared"] == 0, "nobody looked for a while: that is no empty place"
    assert outside.speaker.played() == ["请离开东岸"]
    assert [e.notice.change for e in outside.police.received].count("opened") == 1
    assert len({e.id for e in outside.police.received}) == len(outside.police.received)
    assert outside.police.refused == []
    assert dead_records == []
    assert [state.condition for state in states] == ["online"]
    assert max(growth.values()) < GROWTH_MB


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=CHAOS)])
def test_the_alert_service_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, outside: Outside, video: Path, broker: Broker, kills: int
) -> None:
    """Short joining: the 79 s of video give a new incident every few seconds."""
    rng = random.Random(kills)  # noqa: S311 - to replay it
    bank = [list(corner) for corner in load().zone.polygon]
    with Apart(tmp_path, outside, from_file(video), broker.address, bank, join_s=0, cleared_after=1) as site:
        until("a first incident", site.incidents)
        away: list[float] = []
        for _ in range(kills):
            time.sleep(rng.uniform(0.2, 3))
            site.kill("alerts")
            site.start_service("alerts")
            away.append(site.seconds_until_observed())
        until("as many incidents", lambda: len(site.incidents()) >= 3)
        until("everything delivered", lambda: not site.owed())
        assert site.stop() == 0
        _everything_published_was_decided_on(site, broker)
    median_s = sorted(away)[len(away) // 2]
    print(f"alerts killed {kills} times: decides again after {median_s:.1f} s (median)")
    nothing_lost_or_doubled(site, outside)


def _watch_memory(site: Apart, seconds: float) -> dict[str, float]:
    """Return the most memory, in MB, that each service had within ``seconds``."""
    most: dict[str, float] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        most = {name: max(mb, most.get(name, 0)) for name, mb in site.rss_mb().items()}
        time.sleep(0.2)
    return most


def _everything_published_was_decided_on(site: Apart, broker: Broker) -> None:
    """Run the alert service alone until the store stands at the end of the log."""
    bus = connected(broker.address)
    reader = bus.subscribe([OBSERVATIONS], fresh("group"))
    ends = {place: reader.end(place) for place in poll_until_assigned(reader)}
    reader.close()
    bus.close()
    site.start_service("alerts")
    until("the API", lambda: ready(site))
    until("the end of the log", lambda: all(site.stands_at().get(p, 0) >= end for p, end in ends.items()))
    assert site.stop() == 0
    with closing(KafkaConsumer(bootstrap_servers=broker.address, group_id=GROUP)) as monitor:
        told = {p: monitor.committed(KafkaPartition(p.topic, p.partition)) for p in ends}
    stored = {place: offset for place, offset in told.items() if offset is not None}
    assert stored == site.stands_at(), "a service that ends leaves its offsets to those who watch its lag"
