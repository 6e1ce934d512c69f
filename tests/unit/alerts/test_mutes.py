"""Silences and maintenance, as scripts: what is said when, who stands where → what is heard of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents.incident import Incident
from alerts.pipeline.order import Event
from alerts.rules.base import RuleSettings
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind, Said, Suppression
from lianfang.config import Config
from lianfang.events import CameraCondition, CameraState
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A, B, Play, stay

SPEECH = {"text": "请离开{place}", "again_s": 30, "times": 2}


def word(kind: Kind, since: float = 0, until: float | None = None, **keys: object) -> Suppression:
    """Return a word of a person that counts from ``since`` to ``until``."""
    return Suppression(
        id=f"{kind}-{since}",
        kind=kind,
        since=at(since),
        until=None if until is None else at(until),
        author="wang",
        reason="施工",
        created_at=at(since),
        **keys,  # type: ignore[arg-type]
    )


def played(config: Config, said: Iterable[Suppression], events: Iterable[Event]) -> Play:
    play = Play(config)
    play.decider.said = Said(1, tuple(said))
    return play(events)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, ("rules.entry.frames", 1), ("rules.entry.speech", SPEECH))


def test_a_silence_is_recorded_and_its_end_makes_what_still_holds_heard_once(config: Config) -> None:
    play = played(config, [word(Kind.SILENCE, 0, 100)], stay(0, 200, {1: A}))
    assert play.changes == [
        (0, "opened"),
        (100, "heard"),
        (100, "spoken"),
        (130, "repeated"),
        (160, "escalated"),
    ]
    assert (play.only.muted, play.only.spoken) == (None, 2)


def test_a_silence_at_an_open_incident_counts_at_once_and_stops_the_loop(config: Config) -> None:
    play = played(config, [word(Kind.SILENCE, 10, 100)], stay(0, 99, {1: A}))
    assert play.changes == [(0, "opened"), (10, "muted")]
    assert (play.only.muted, play.only.muted_by) == (Reason.SILENCED, "silence-10")


def test_a_silence_that_was_lifted_mutes_no_more(config: Config) -> None:
    lifted = word(Kind.SILENCE, 0, 100, lifted_at=at(20), lifted_by="li")
    assert played(config, [lifted], stay(0, 25, {1: A})).changes == [
        (0, "opened"),
        (20, "heard"),
        (20, "spoken"),
    ]


def test_what_is_over_before_the_silence_is_makes_nobody_hear(config: Config) -> None:
    play = played(config, [word(Kind.SILENCE, 0, 30)], [*stay(0, 10, {1: A}), *stay(10, 60, {})])
    assert play.kinds == ["opened", "cleared"]
    assert play.only.muted is Reason.SILENCED


@pytest.mark.parametrize(
    ("scope", "muted"),
    [
        ({}, True),
        ({"rules": ("entry",)}, True),
        ({"rules": ("another",)}, False),
        ({"camera": "cam"}, True),
        ({"camera": "cam2"}, False),
        ({"point": "bank"}, True),
        ({"point": "gate"}, False),
        ({"place": "bank"}, True),
        ({"place": "gate"}, False),
    ],
)
def test_a_silence_is_about_what_it_names(config: Config, scope: dict[str, object], *, muted: bool) -> None:
    play = played(config, [word(Kind.SILENCE, 0, 100, **scope)], stay(0, 5, {1: A}))
    assert (play.only.muted is not None) == muted


@pytest.mark.parametrize(("rules", "muted"), [((), False), (("entry",), True)])
def test_only_a_silence_that_names_it_mutes_a_rule_of_life_and_death(
    tmp_path: Path, rules: tuple[str, ...], *, muted: bool
) -> None:
    vital = loaded(tmp_path, ("rules.entry.frames", 1), ("rules.entry.life_safety", True))
    play = played(vital, [word(Kind.SILENCE, 0, 100, rules=rules)], stay(0, 5, {1: A}))
    assert (play.only.muted is not None) == muted


def test_what_another_camera_sees_as_well_is_heard(config: Config) -> None:
    """Somebody works on one camera of a point; who is seen by the other one is heard, and stays so."""
    one, two = stay(0, 20, {1: A}), stay(10.1, 20, {7: B}, camera="cam2", epoch="x")
    events = sorted([*one, *two], key=lambda event: event.captured_at)
    play = played(config, [word(Kind.MAINTENANCE, 0, 100, camera="cam")], events)
    assert play.changes == [(0, "opened"), (10.1, "heard"), (10.1, "spoken")]


def test_maintenance_mutes_the_camera_s_own_faults_too(tmp_path: Path) -> None:
    faults = {"kind": "device", "name": "故障", "cameras": ["cam"]}
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(6))
    play = played(
        loaded(tmp_path, ("rules", {"faults": faults})), [word(Kind.MAINTENANCE, 0, 9, camera="cam")], [lost]
    )
    assert play.only.muted is Reason.MAINTENANCE


def test_what_cannot_be_said_is_told_to_people_at_once_and_said_when_it_can(config: Config) -> None:
    def refusal(_rule: RuleSettings, _incident: Incident, moment: object) -> Reason | None:
        return Reason.QUIET_HOURS if moment < at(40) else None  # type: ignore[operator]

    play = Play(config)
    for event in stay(0, 120, {1: A}):
        for decision in play.decider.decide(event, refusal):
            play.incidents[decision.incident.id] = decision.incident
            play.changes += [((c.at - at(0)).total_seconds(), str(c.kind)) for c in decision.changes]
    assert play.changes == [(0, "opened"), (0, "escalated"), (40, "spoken"), (70, "repeated")]
    assert (play.only.spoken, play.only.silent) == (2, None)


def test_the_share_used_up_in_the_middle_of_a_loop_ends_it(config: Config) -> None:
    def refusal(_rule: RuleSettings, incident: Incident, _at: object) -> Reason | None:
        return Reason.SPEAKER_HAS_SAID_ENOUGH if incident.spoken else None

    play = Play(config)
    for event in stay(0, 60, {1: A}):
        for decision in play.decider.decide(event, refusal):
            play.changes += [((c.at - at(0)).total_seconds(), str(c.kind)) for c in decision.changes]
    assert play.changes == [(0, "opened"), (30, "unsaid"), (30, "escalated")]


_WORDS = st.lists(
    st.builds(
        lambda kind, since, length, lifted: word(
            kind,
            since,
            since + length,
            rules=("entry",),
            place="bank",
            camera="cam" if kind is Kind.MAINTENANCE else "",
            lifted_at=None if lifted is None else at(since + lifted),
        ),
        st.sampled_from([Kind.SILENCE, Kind.MAINTENANCE, Kind.PERMIT]),
        st.integers(0, 30),
        st.integers(1, 30),
        st.none() | st.integers(0, 20),
    ),
    max_size=3,
)


@given(_WORDS, st.lists(st.sampled_from([(), (1,), (1, 2)]), min_size=1, max_size=80), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_replay_that_knows_all_that_was_said_equals_live(
    config: Config, said: list[Suppression], frames: list[tuple[int, ...]], data: st.DataObject
) -> None:
    """Live, each word is heard of only when it is said; nothing of it changes what was before."""
    script = [observation(i / 2, {n: (A, B)[n - 1] for n in who}) for i, who in enumerate(frames)]
    live = Play(config)
    for event in script:
        known = tuple(w for w in said if w.since <= event.captured_at)
        live.decider.said = Said(len(known), known)
        live([event])
    cut = data.draw(st.integers(0, len(script)))
    again = played(config, said, [*script[:cut], *script[:cut], *script])
    assert again.changes == live.changes
    assert again.incidents == live.incidents
