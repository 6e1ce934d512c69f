"""Do broadcasts help, and how often do they cry wolf: counted in a store with known incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from alerts.reports.collector import EffectsCollector
from alerts.reports.effects import Effect, effects
from alerts.store import Store
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.ids import identify
from tests.support.configs import loaded
from tests.support.outbox import open_incident, owe_speech

MONDAY = datetime(2025, 6, 1, 16, tzinfo=UTC)  # midnight in Shanghai
WEEK = timedelta(days=7)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path)


def incident(store: Store, name: str, hours: float, *, clear_s: float | None = None, **columns: Any) -> None:  # noqa: ANN401
    """Write an incident that opened so many hours after midnight."""
    at = MONDAY + timedelta(hours=hours)
    with store.write() as session:
        open_incident(session, name, at)
        row = session.get(IncidentRow, identify("incident", name))
        assert row is not None
        row.spoken = 1
        if clear_s is not None:
            row.cleared_at = at + timedelta(seconds=clear_s)
        for column, value in columns.items():
            setattr(row, column, value)


def said(store: Store, name: str, hours: float, state: str = "delivered") -> None:
    """Write a speech of an incident, said so many hours after midnight."""
    with store.write() as session:
        speech = owe_speech(session, "horn", name, now=MONDAY + timedelta(hours=hours))
        session.query(OutboxRow).filter_by(id=speech).one().state = state


def test_after_how_many_broadcasts_places_were_clear(store: Store, config: Config) -> None:
    times = [10.5, 20.0, 31.0, 40.0, 95.0]
    for n, (spoken, clear_s) in enumerate(zip((1, 1, 2, 3, 5), times, strict=True)):
        incident(store, f"a{n}", n, clear_s=clear_s, spoken=spoken)
    incident(store, "stayed", 6, spoken=2)
    incident(store, "silent", 7, clear_s=5, spoken=0)  # nothing was said: no effect of it
    incident(store, "other", 7, clear_s=8, camera="south")
    incident(store, "before", -0.1, clear_s=1)
    incident(store, "after", 24 * 7, clear_s=1)
    with store.read() as session:
        report = effects(session, config, MONDAY, MONDAY + WEEK)
    assert report.effects == [
        Effect("bank", "north", 6, 2, 1, 2, 1, 39.3, median(times)),
        Effect("bank", "south", 1, 1, 0, 0, 0, 8, 8),
    ]
    assert report.incidents == 8


@pytest.mark.parametrize("times", [[4.0], [4.0, 6.0], [1.0, 2.0, 9.0], [1.0, 2.0, 8.0, 9.0], [3.0, 3.0, 3.0]])
def test_the_median_is_the_median(store: Store, config: Config, times: list[float]) -> None:
    for n, clear_s in enumerate(times):
        incident(store, f"a{n}", n, clear_s=clear_s)
    with store.read() as session:
        (effect,) = effects(session, config, MONDAY, MONDAY + WEEK).effects
    assert effect.median_s == median(times)


def test_false_alarms_by_shift(store: Store, config: Config) -> None:
    for n, hours in enumerate((0.5, 7.9, 8.1, 15.9, 15.95, 30)):
        incident(store, f"a{n}", hours, state="false_alarm")
    incident(store, "true", 1, state="permitted")
    incident(store, "untouched", 1)
    with store.read() as session:
        report = effects(session, config, MONDAY, MONDAY + WEEK)
    assert (report.incidents, report.judged, report.false_alarms) == (8, 7, 6)
    assert report.worst_shift == 3
    assert report.false_a_shift == pytest.approx(6 / 21)


@pytest.mark.parametrize(
    ("hours", "state", "incident_state", "count"),
    [
        (2, "delivered", "false_alarm", 1),
        (2, "stopped", "false_alarm", 1),
        (2, "dead", "false_alarm", 0),  # nobody was woken
        (2, "delivered", "permitted", 0),
        (14, "delivered", "false_alarm", 0),  # by day
    ],
)
def test_false_broadcasts_at_night(
    store: Store, config: Config, hours: float, state: str, incident_state: str, count: int
) -> None:
    incident(store, "a", hours, state=incident_state)
    said(store, "a", hours, state)
    with store.read() as session:
        one_week = effects(session, config, MONDAY, MONDAY + WEEK)
        two_weeks = effects(session, config, MONDAY, MONDAY + 2 * WEEK)
    assert (one_week.night_a_week, two_weeks.night_a_week) == ({"horn": count}, {"horn": count / 2})


def test_metrics_of_the_last_seven_days(store: Store, config: Config) -> None:
    clock, registry = ManualClock(MONDAY + WEEK), CollectorRegistry()
    incident(store, "a", 2, clear_s=12)
    registry.register(EffectsCollector(store, config, clock))
    wanted = b'lianfang_broadcast_incidents{camera="north",cleared_after="1",rule="bank"}'
    assert wanted + b" 1.0" in generate_latest(registry)
    incident(store, "b", 3, clear_s=12)
    assert wanted + b" 1.0" in generate_latest(registry), "counted once a minute"
    clock.advance_to(MONDAY + WEEK + timedelta(seconds=60))
    assert wanted + b" 2.0" in generate_latest(registry)
