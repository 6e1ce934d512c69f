"""Cards and plates at a door: on a list, not on it, over; what is kept of whom; warnings of platforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.listed import BadList
from alerts.passes import Pass, PassList, card, shown
from alerts.pipeline.order import Dropped
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Reading
from tests.support.configs import loaded
from tests.support.observations import at
from tests.unit.alerts.test_incidents import Play

DOOR = {"name": "南门门禁", "point": "bank", "kind": "access", "silent_s": None}
CARDS = """card,plate,from,until,who
0012-345,,,,caretaker
88888888,,2026-01-01,2026-06-30T00:00,a guest of June
,粤T12345,,,truck
7777,粤T77777,2027-01-01,,not yet
"""


def config(folder: Path, **keys: Any) -> Config:  # noqa: ANN401
    (folder / "cards.csv").write_text(CARDS, encoding="utf-8")
    rule = {"kind": "access", "name": "门禁", "sensors": ["door"], "list": "cards.csv", **keys}
    return loaded(folder, ("sensors", {"door": DOOR}), ("rules.entry", rule))


def event(seconds: float, value: float = 1, kind: str = "access", **attributes: Any) -> Reading:  # noqa: ANN401
    """Return what a reader said."""
    return Reading(sensor_id="door", kind=kind, value=value, at=at(seconds), epoch="c", attributes=attributes)


SHOWN: list[tuple[str, dict[str, Any], dict[str, str], tuple[str, bool] | None]] = [
    ("a card on the list", {"report": "listed"}, {"card": "12345"}, ("12345", False)),
    ("however it is written", {"report": "listed"}, {"card": "00 12:345"}, ("12345", False)),
    ("another card", {"report": "listed"}, {"card": "12346"}, None),
    ("a card whose time is over", {"report": "listed"}, {"card": "88888888"}, None),
    ("a card whose time has not come", {"report": "listed"}, {"card": "7777"}, None),
    ("a plate on the list", {"report": "listed"}, {"plate": "粤T·12345"}, ("粤T12345", False)),
    ("a plate that looks like it", {"report": "listed"}, {"plate": "粤T1234S"}, ("粤T1234S", True)),
    ("neither", {"report": "listed"}, {"direction": "in"}, None),
    ("a stranger's card is masked", {"report": "unlisted"}, {"card": "4417123456"}, ("******3456", False)),
    ("a short one too", {"report": "unlisted"}, {"card": "4417"}, ("**17", False)),
    ("and a plate", {"report": "unlisted"}, {"plate": "粤B54321D"}, ("粤B**321D", False)),
    ("who is on the list may come", {"report": "unlisted"}, {"card": "12345"}, None),
    ("who was on it may not", {"report": "unlisted"}, {"card": "88888888"}, ("****8888", False)),
    ("over", {"report": "expired"}, {"card": "88888888"}, ("****8888", False)),
    ("not over", {"report": "expired"}, {"card": "12345"}, None),
    ("never there", {"report": "expired"}, {"card": "1"}, None),
    ("anybody", {"report": "any", "list": None}, {"card": "12345"}, ("***45", False)),
    (
        "the door opened",
        {"report": "any", "list": None, "refused": False},
        {"card": "12345"},
        ("***45", False),
    ),
    ("the door did not stay shut", {"report": "any", "list": None, "refused": True}, {"card": "12345"}, None),
]


@pytest.mark.parametrize(
    ("keys", "attributes", "expected"), [r[1:] for r in SHOWN], ids=[r[0] for r in SHOWN]
)
def test_what_is_shown(
    tmp_path: Path, keys: dict[str, Any], attributes: dict[str, Any], expected: tuple[str, bool] | None
) -> None:
    play = Play(config(tmp_path, **keys))([event(0, **attributes)])
    assert [(i.subject, i.review) for i in play.incidents.values()] == ([expected] if expected else [])
    if expected and "*" in expected[0]:
        assert not any(text in repr(play.incidents) for text in attributes.values()), "nothing more is kept"


def test_each_is_an_incident_and_soon_again_the_same(tmp_path: Path) -> None:
    play = Play(config(tmp_path, report="listed", join_s=60))
    play([event(0, card="12345"), event(10, plate="粤T12345"), event(30, card="12345")])
    first, *others = play.changes
    assert first == (0, "opened")
    assert sorted(others) == [(10, "cleared"), (10, "opened"), (30, "cleared"), (30, "returned")]
    assert {i.subject for i in play.incidents.values()} == {"12345", "粤T12345"}


def test_nobody_says_that_they_have_left_and_later_it_is_another(tmp_path: Path) -> None:
    play = Play(config(tmp_path, report="listed", join_s=60))
    play([event(0, card="12345"), event(100, card="12345")])
    assert play.changes == [(0, "opened"), (100, "ended"), (100, "opened")]


def test_another_kind_is_a_fault_of_the_sensor(tmp_path: Path) -> None:
    assert not Play(config(tmp_path, report="listed"))([event(0, kind="door", card="12345")]).incidents


def test_a_message_that_comes_again_is_no_other(tmp_path: Path) -> None:
    play = Play(config(tmp_path, report="listed", join_s=0))
    first = event(0, card="12345").model_copy(update={"id": "17"})
    timed = event(20, card="12345").model_copy(update={"device_time": at(-3600)})
    play([first, first.model_copy(update={"at": at(10)}), timed, timed.model_copy(update={"at": at(30)})])
    assert play.dropped == [Dropped.REPEATED] * 2
    play([timed.model_copy(update={"at": at(40), "attributes": {"card": "999"}})])
    assert play.dropped == [Dropped.REPEATED] * 2, "another card in the same second"


WRONG_LISTS = [
    ("name,from,until\nx,,\n", "no column card or plate; allowed: card or plate,from,until and any others"),
    ("card,from\n1,\n", "no column until"),
    ("card,from,until\n张三,,\n", "cards.csv:2: card: found '张三'; allowed: a number of a card"),
    ("card,plate,from,until\n,ABC,,\n", "cards.csv:2: plate: found 'ABC'; allowed: a plate such as"),
    ("card,plate,from,until\n,,,\n", "cards.csv:2: card: found ''; allowed: a number of a card"),
    ("card,from,until\n1,2026-07-02,2026-07-01\n", "until: found '2026-07-01'; allowed: a time after"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_LISTS)
def test_a_list_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    config(tmp_path, report="listed")
    (tmp_path / "cards.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadList, match=r"cards\.csv") as caught:
        PassList.read(tmp_path / "cards.csv", config_zone(tmp_path))
    assert said in str(caught.value)
    with pytest.raises(ConfigError, match=r"rules\.entry\.list"):
        loaded(
            tmp_path,
            ("sensors", {"door": DOOR}),
            (
                "rules.entry",
                {"kind": "access", "name": "x", "sensors": ["door"], "report": "listed", "list": "cards.csv"},
            ),
        )


def config_zone(folder: Path) -> Any:  # noqa: ANN401
    return loaded(folder).community.zone


def test_a_list_goes_with_the_reports_that_need_one(tmp_path: Path) -> None:
    for keys in ({"report": "any"}, {"report": "unlisted", "list": None}):
        with pytest.raises(ConfigError, match="a 'list' for listed, unlisted and expired"):
            config(tmp_path, **keys)


def test_cards_are_written_in_many_ways() -> None:
    assert [card(text) for text in ("0012-345", "12345", " 00:0A f ", "0", "", "x" * 33, "卡")] == [
        *("12345", "12345", "AF", "0", "", "", ""),
    ]
    assert shown({"card": "", "plate": "粤t 12345"}) == Pass("plate", "粤T12345")


def warned(folder: Path, **keys: Any) -> Config:  # noqa: ANN401
    rule = {"kind": "warning", "name": "反诈预警", "sensors": ["door"], **keys}
    return loaded(folder, ("sensors", {"door": {**DOOR, "kind": "warning"}}), ("rules.entry", rule))


def test_each_warning_is_an_incident_by_its_number(tmp_path: Path) -> None:
    def warning(seconds: float, number: str, level: float = 1) -> Reading:
        return event(seconds, level, "warning", text="x").model_copy(update={"id": number})

    play = Play(warned(tmp_path, at_least=2))
    play([warning(0, "W1", 3), warning(5, "W2", 2), warning(6, "W3", 1), warning(7, "W1", 3)])
    assert sorted(i.subject for i in play.incidents.values()) == ["W1", "W2"]
    assert play.dropped == [Dropped.REPEATED]
