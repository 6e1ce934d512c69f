"""The loop meets the store: healthy speakers first, people told at once without one, stops and silence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.pipeline.escalate import unsaid
from alerts.store import Store, receivers, speakers
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from lianfang.bus import Bus
from lianfang.config import Config
from tests.e2e.installation import until
from tests.integration.test_alert_worker import IN, decided, publish, rows, standing, working
from tests.integration.test_speakers import HORN
from tests.support.configs import loaded
from tests.support.observations import at, observation

LOOP = {"text": "请离开", "again_s": 1, "times": 2}
ESCALATED = [{"receiver": "police", "mode": "drill", "since": "escalated"}]


def two_speakers(folder: Path, **rule: Any) -> Config:  # noqa: ANN401
    """Return a community whose zone two speakers cover, ``horn`` nearest."""
    changes = [
        (f"rules.entry.{key}", value) for key, value in ({"speech": LOOP, "notify": ESCALATED} | rule).items()
    ]
    return loaded(
        folder, ("receivers.second", HORN), ("cameras.cam.zones.water.speakers", ["horn", "second"]), *changes
    )


def say(store: Store, health: speakers.Health, *names: str, ago_s: float = 1) -> None:
    with store.write() as session:
        for name in names:
            speakers.heard(session, name, health, detail="", now=at(1) - timedelta(seconds=ago_s))


def play(config: Config, bus: Bus, store: Store, *events: Any) -> list[str]:  # noqa: ANN401
    """Let the worker decide on ``events``; return the kinds of changes."""
    publish(bus, *events)
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    return [row.kind for row in rows(store, ChangeRow)]


@pytest.mark.parametrize(
    ("health", "ago_s", "speaks"),
    [
        ("ready", 1, "horn"),
        ("silent", 1, "second"),
        ("faulty", 1, "second"),
        ("emergency", 1, "second"),
        ("silent", 301, "horn"),  # nobody has asked since: it may be back
    ],
)
def test_the_nearest_that_works_speaks(
    bus: Bus, store: Store, tmp_path: Path, health: speakers.Health, ago_s: float, speaks: str
) -> None:
    say(store, health, "horn", ago_s=ago_s)
    assert play(two_speakers(tmp_path), bus, store, *standing(4)) == ["opened"]
    (speech,) = rows(store, OutboxRow)
    assert (speech.receiver, speech.payload["fallbacks"]) == (
        speaks,
        [{"horn": "second", "second": "horn"}[speaks]],
    )


def test_a_disabled_speaker_does_not_work(bus: Bus, store: Store, tmp_path: Path) -> None:
    with store.write() as session:
        receivers.disable(session, "horn", now=at(0), reason="answered 410: gone")
    play(two_speakers(tmp_path), bus, store, *standing(4))
    assert [row.receiver for row in rows(store, OutboxRow)] == ["second"]


def test_without_one_that_works_it_is_tried_and_people_are_told_once(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    say(store, "silent", "horn")
    say(store, "faulty", "second")
    assert play(two_speakers(tmp_path), bus, store, *standing(20)) == ["opened", "escalated", "repeated"]
    opened, escalated, repeated = rows(store, ChangeRow)
    assert (opened.data["speaker"], opened.data["trouble"]) == ("horn", "no_healthy_speaker")
    assert escalated.data["why"] == "no_healthy_speaker"
    assert repeated.data["speaker"] == "horn"
    assert [row.kind for row in rows(store, OutboxRow)] == ["speech", "notice", "speech"]
    (incident,) = rows(store, IncidentRow)
    assert incident.escalated_at == at(0.4), "what came afterwards has not unsaid it"


def test_a_speech_that_nobody_could_say_tells_people(bus: Bus, store: Store, tmp_path: Path) -> None:
    config = two_speakers(tmp_path, speech=LOOP | {"again_s": 3600})
    play(config, bus, store, *standing(4))
    for _ in range(2):  # the second word about it changes nothing
        with store.write() as session:
            unsaid(config, session, session.query(OutboxRow).filter_by(kind="speech").one(), at(2))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "escalated"]
    assert rows(store, ChangeRow)[-1].data["why"] == "not_said"


def test_nobody_is_alarmed_where_a_rule_only_records(bus: Bus, store: Store, tmp_path: Path) -> None:
    say(store, "silent", "horn", "second")
    assert play(two_speakers(tmp_path, record_only=True), bus, store, *standing(4)) == ["opened"]


@pytest.mark.parametrize(("life_safety", "state"), [(False, "stopped"), (True, "pending")])
def test_who_has_left_is_not_spoken_to_any_more(
    bus: Bus, store: Store, tmp_path: Path, *, life_safety: bool, state: str
) -> None:
    empty = [observation(t, {}) for t in (1, 1.2, 1.4)]
    kinds = play(two_speakers(tmp_path, life_safety=life_safety), bus, store, *standing(4), *empty)
    assert kinds == (["opened", "cleared", "stopped"] if state == "stopped" else ["opened", "cleared"])
    assert [row.state for row in rows(store, OutboxRow)] == [state]


def test_what_an_operator_has_silenced_speaks_again_about_somebody_else(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    config = two_speakers(tmp_path, speech=LOOP | {"times": 9})
    play(config, bus, store, *standing(4))
    with store.write() as session:
        session.query(IncidentRow).one().hushed_at = at(1)
    assert play(config, bus, store, *standing(6, start=4)) == ["opened", "unsaid", "escalated"]
    assert rows(store, ChangeRow)[1].data["silent"] == "an_operator_wants_silence"
    two = [observation(2 + i * 0.5, {1: IN, 2: (0.3, 0.9)}) for i in range(12)]
    play(config, bus, store, *two)
    told = {row.kind: row.data for row in rows(store, ChangeRow)}
    assert "raised" in told
    assert told["repeated"]["speaker"] == "horn"
