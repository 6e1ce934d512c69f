"""Profiles: what results from one, what is wrong with one, and which is in force when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.profiles import InForce, Profiles, Switch, exceeded
from alerts.rules.base import RuleSettings
from lianfang.config import Config, load
from lianfang.config.profiles import EVERYDAY, Level, in_profile
from lianfang.errors import ConfigError, ConfigProblem
from tests.support.configs import SQUARE, changed, loaded, write
from tests.support.readings import GAUGE

LEFT = [[0.2, 0.2], [0.5, 0.2], [0.5, 1.0], [0.2, 1.0]]
FLOOD: dict[str, Any] = {"name": {"zh": "汛期", "en": "Flood season"}, "priority": 20}


def profile(folder: Path, *changes: tuple[str, Any], **keys: Any) -> Config:  # noqa: ANN401
    return loaded(folder, ("profiles", {"flood": {**FLOOD, **keys}}), *changes)


def rule(config: Config, name: str = "entry") -> RuleSettings:
    found = config.rules[name]
    assert isinstance(found, RuleSettings)
    return found


def test_what_a_profile_changes_and_what_it_leaves(tmp_path: Path) -> None:
    config = profile(
        tmp_path,
        rules={"entry": {"severity": "critical", "speech": {"text": "涨水了，请离开{place}"}, "frames": 1}},
        cameras={"cam": {"zones": {"water": {"polygon": LEFT}}}},
    )
    flood = in_profile(config, "flood")
    assert (rule(flood).severity, rule(config).severity) == ("critical", "high")
    speech = rule(flood).speech
    assert speech is not None
    assert (speech.text.zh, speech.again_s) == ("涨水了，请离开{place}", 3600), (
        "its other keys are as they were"
    )
    assert flood.cameras["cam"].zones["water"].polygon == tuple(map(tuple, LEFT))
    assert flood.cameras["cam"].zones["water"].speakers == ("horn",)
    assert flood.cameras["cam2"] is config.cameras["cam2"]
    assert config.cameras["cam"].zones["water"].polygon == tuple(map(tuple, SQUARE))


def test_a_muted_rule_counts_and_says_nothing(tmp_path: Path) -> None:
    muted = rule(in_profile(profile(tmp_path, muted=["entry"]), "flood"))
    assert (muted.enabled, muted.speech) == (True, None)
    assert muted.active is not None
    almanac = loaded(tmp_path).almanac()
    assert not any(muted.active.applies(datetime(2026, 7, 1, h, tzinfo=UTC), almanac) for h in range(24))


@pytest.mark.parametrize(("everyday", "flood"), [(False, True), (True, False)])
def test_a_rule_of_some_profiles_is_muted_in_the_others(tmp_path: Path, everyday: bool, flood: bool) -> None:
    config = profile(tmp_path, ("rules.entry.enabled", everyday), rules={"entry": {"enabled": flood}})
    for name, on in ((EVERYDAY, everyday), ("flood", flood)):
        resulting = rule(in_profile(config, name))
        assert resulting.enabled
        assert (resulting.active is None) is on


def test_a_rule_that_is_off_everywhere_is_off(tmp_path: Path) -> None:
    config = profile(tmp_path, ("rules.entry.enabled", False))
    assert not rule(in_profile(config, EVERYDAY)).enabled
    assert not rule(in_profile(config, "flood")).enabled


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"muted": ["exit"]}, r"profiles\.flood\.muted\.0: found 'exit'; allowed: one of entry"),
        ({"rules": {"exit": {}}}, r"profiles\.flood\.rules\.exit: found 'exit'"),
        (
            {"cameras": {"cam9": {}}},
            r"profiles\.flood\.cameras\.cam9: found 'cam9'; allowed: one of cam, cam2",
        ),
        (
            {"cameras": {"cam": {"zones": {"shore": {}}}}},
            r"zones\.shore: found 'shore'; allowed: one of water",
        ),
        ({"cameras": {"cam": {"lines": {"a": {}}}}}, r"lines\.a: found 'a'; allowed: one of none"),
        (
            {"cameras": {"cam": {"fps": 1}}},
            r"profiles\.flood\.cameras\.cam\.fps: found the unknown key 'fps'",
        ),
        # What results is checked whole, and named where it was said.
        (
            {"rules": {"entry": {"frames": 0}}},
            r"site\.yaml:\d+: profiles\.flood\.rules\.entry\.frames: found 0",
        ),
        ({"rules": {"entry": {"sevrity": "low"}}}, r"profiles\.flood\.rules\.entry\.sevrity"),
        ({"rules": {"entry": {"kind": "crowd"}}}, r"profiles\.flood\.rules\.entry\.kind: found 'crowd'"),
        (
            {"rules": {"entry": {"zones": ["shore"]}}},
            r"profiles\.flood\.rules\.entry\.zones\.0: found 'shore'",
        ),
        (
            {"cameras": {"cam": {"zones": {"water": {"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}}}}},
            r"profiles\.flood\.cameras\.cam\.zones\.water\.polygon: .*does not cross itself",
        ),
        (
            {"active": {"windows": [{"begin": "sunset", "end": "sunrise"}]}},
            r"profiles\.flood\.active: found sunrise or sunset",
        ),
        (
            {"active": {"windows": [{"days": ["fair"]}]}},
            r"profiles\.flood\.active\.windows\.0\.days\.0: found 'fair'",
        ),
        (
            {"level": {"sensor": "gauge", "above": 3, "until": 2}},
            r"profiles\.flood\.level\.sensor: found 'gauge'; allowed: .*none is configured",
        ),
        ({"level": {"sensor": "gauge", "above": 3, "until": 3}}, r"flood\.level: .*'until' below 'above'"),
    ],
)
def test_what_is_wrong_with_a_profile(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        profile(tmp_path, **keys)


def test_two_profiles_do_not_have_one_rank_nor_the_name_of_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"profiles\.flood\.priority: found 20; allowed: .*fair has it"):
        loaded(tmp_path, ("profiles", {"flood": FLOOD, "fair": FLOOD}))
    with pytest.raises(ConfigError, match=r"profiles\.everyday: found 'everyday'; allowed: another id"):
        loaded(tmp_path, ("profiles", {EVERYDAY: FLOOD}))


def test_a_plate_list_of_a_profile_stands_where_nobody_can_miss_it(tmp_path: Path) -> None:
    plate = {"kind": "plate", "name": "车", "cameras": ["cam"], "zones": ["water"], "report": "listed"}
    (tmp_path / "a.csv").write_text("plate,from,until\n", encoding="utf-8")
    detectors = [
        ("detectors.plates", {"kind": "plate"}),
        ("detectors.objects.labels", ["person", "car", "bus", "truck"]),
        ("cameras.cam.detectors", ["objects", "plates"]),
    ]
    rules = ("rules.wanted", {**plate, "list": "a.csv"})
    with pytest.raises(
        ConfigError, match=r"rules\.wanted\.list: found 'b\.csv'; allowed: a path from the root"
    ):
        profile(tmp_path, *detectors, rules, rules={"wanted": {"list": "b.csv"}})
    profile(tmp_path, *detectors, rules, rules={"wanted": {"list": str(tmp_path / "a.csv")}})


@pytest.mark.parametrize(
    ("changes", "keys", "want"),
    [
        ([("rules.entry.life_safety", True)], {"muted": ["entry"]}, ["entry, which saves lives"]),
        ([], {"muted": ["entry"]}, []),
        (
            [("cameras.cam.zones.water.kind", "bank")],
            {"cameras": {"cam": {"zones": {"water": {"polygon": LEFT}}}}},
            ["another polygon for a zone of kind bank"],
        ),
    ],
)
def test_what_may_cost_a_life_is_a_warning(
    tmp_path: Path, changes: list[tuple[str, Any]], keys: dict[str, Any], want: list[str]
) -> None:
    warned: list[ConfigProblem] = []
    load(write(tmp_path, changed(("profiles", {"flood": {**FLOOD, **keys}}), *changes)), warned.append)
    assert [problem.found for problem in warned] == want


NOON = datetime(2026, 6, 19, 4, tzinfo=UTC)  # in Shanghai


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    race = {"windows": [{"first": "2026-06-19", "last": "2026-06-19"}]}
    summer = {"windows": [{"first": "05-01", "last": "09-30"}]}
    level = {"sensor": "gauge", "above": 3.2, "until": 3.0}
    return Profiles(
        loaded(
            tmp_path,
            ("sensors", {"gauge": GAUGE}),
            (
                "profiles",
                {
                    "summer": {"name": "夏季", "priority": 1, "active": summer},
                    "race": {"name": "龙舟", "priority": 30, "active": race},
                    "flood": {"name": "汛期", "priority": 20, "level": level},
                    "festival": {"name": "庙会", "priority": 99},
                },
            ),
        )
    )


def switch(name: str, begin: float, end: float | None, source: str = "key") -> Switch:
    """Return a switch from ``begin`` to ``end``, in hours after noon."""
    until = None if end is None else NOON + timedelta(hours=end)
    kind: Any = source
    return Switch(name, kind, "chen", "演练", NOON + timedelta(hours=begin), until)


@pytest.mark.parametrize(
    ("hours", "switches", "want", "why"),
    [
        (-24, [], "summer", "schedule"),
        (0, [], "race", "schedule"),
        (-12.01, [], "summer", "schedule"),  # the day before, to the minute, in the community's zone
        (12, [], "summer", "schedule"),
        (24 * 150, [], EVERYDAY, "otherwise"),
        (24, [("flood", 0, None, "level")], "flood", "level"),
        (0, [("flood", 0, None, "level")], "race", "schedule"),  # 30 is before 20
        (24, [("flood", 0, 24, "level")], "summer", "schedule"),  # until: no more
        (0, [("festival", 0, 1)], "festival", "key"),
        (-0.01, [("festival", 0, 1)], "race", "schedule"),
        (1, [("festival", 0, 1)], "race", "schedule"),
        (0, [("summer", -1, 1)], "summer", "key"),  # a key goes before every rank
        (0, [(EVERYDAY, -1, 1)], EVERYDAY, "key"),
        (0.5, [("festival", 0, 1), ("flood", 0.2, 0.4)], "festival", "key"),
        (0.3, [("festival", 0, 1), ("flood", 0.2, 0.4)], "flood", "key"),  # the newest of two
        (0, [("nobody_knows", -1, 1)], "race", "schedule"),
        (24, [("festival", 0, None, "level")], "summer", "schedule"),  # it has no level any more
    ],
)
def test_what_is_in_force(
    profiles: Profiles, hours: float, switches: list[tuple[Any, ...]], want: str, why: str
) -> None:
    found = profiles.at(NOON + timedelta(hours=hours), [switch(*s) for s in switches])
    assert (found.profile, found.why) == (want, why)
    assert (found.switch is not None) is (why in {"key", "level"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["summer", "race", "flood", "festival", EVERYDAY]),
            st.floats(-50, 50),
            st.none() | st.floats(-50, 50),
            st.sampled_from(["key", "level"]),
        )
    ),
    st.floats(-60, 60),
    st.randoms(),
)
def test_the_order_of_the_facts_does_not_matter(
    profiles: Profiles,
    facts: list[tuple[str, float, float | None, str]],
    hours: float,
    random: Any,  # noqa: ANN401
) -> None:
    switches = [switch(*fact) for fact in {f[1]: f for f in facts}.values()]
    at = NOON + timedelta(hours=hours)
    found = profiles.at(at, switches)
    shuffled = list(switches)
    random.shuffle(shuffled)
    again = profiles.at(at, shuffled)
    assert (found.profile, found.why) == (again.profile, again.why)


def test_without_profiles_it_is_always_everyday(tmp_path: Path) -> None:
    alone = Profiles(loaded(tmp_path))
    assert not alone.any
    assert alone.at(NOON, [switch("race", 0, 1)]) == InForce(EVERYDAY, "otherwise")


def test_a_level_that_swings_about_a_mark_does_not_switch_to_and_fro() -> None:
    level = Level(sensor="gauge", above=3.2, until=3.0)
    on, seen = False, []
    for value in (3.1, 3.19, 3.2, 3.1, 3.21, 3.0, 2.99, 3.1, 3.2):
        on = exceeded(level, on, value)
        seen.append(on)
    assert seen == [False, False, True, True, True, True, False, False, True]
