"""Robots of chat groups: one line of text in three dialects, and what each answer means."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, get_args

import pytest

from alerts.channels import robot
from alerts.channels.base import Receipt
from alerts.incidents.model import ChangeKind
from alerts.notice_text import CHANGES
from alerts.pipeline.route import OF_THE_ASSIGNEE, TOLD
from deploy.simulators.robot import RobotSimulator
from deploy.simulators.server import Fault
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import TIMEOUT_S, delivery_of, secret_in_env, send, silent
from tests.support.outbox import notice

Dialect = Literal["wecom", "dingtalk", "feishu"]
ALL = pytest.mark.parametrize("dialect", get_args(Dialect))


def stanza(url: str, dialect: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> robot.Config:
    """Return the settings of a robot at ``url``."""
    return robot.Config.model_validate(
        {
            "kind": "robot",
            "dialect": dialect,
            "url": secret_in_env(monkeypatch, url),
            "networks": ["127.0.0.0/8"],
            "timeout_s": TIMEOUT_S,
            **changed,
        }
    )


def told(
    there: RobotSimulator,
    dialect: str,
    monkeypatch: pytest.MonkeyPatch,
    *messages: dict[str, Any],
    **changed: object,
) -> list[Receipt | Exception]:
    """Tell the robot of ``messages``, by what differs in each, and return what came of it."""

    async def run() -> list[Receipt | Exception]:
        async with there:
            channel = robot.build(stanza(there.url, dialect, monkeypatch, **changed), SystemClock())
            return await send(channel, *(delivery_of({**notice("incident-1", 3), **m}) for m in messages))

    return asyncio.run(run())


@ALL
def test_a_line_is_written(monkeypatch: pytest.MonkeyPatch, dialect: Dialect) -> None:
    there = RobotSimulator(dialect, say=silent)
    (got,) = told(there, dialect, monkeypatch, {"change": "confirmed", "subject": "粤T12345"})
    assert isinstance(got, Receipt)
    assert got.outcome == "0"
    (line,) = there.lines
    assert line.startswith("【演练】已确认：有人下到河边\n北桥 河岸，1人，06-01 16:00:")
    assert "粤T12345" not in line


@pytest.mark.parametrize("dialect", ["dingtalk", "feishu"])
def test_signed_lines(monkeypatch: pytest.MonkeyPatch, dialect: Dialect) -> None:
    right, wrong = secret_in_env(monkeypatch, "SEC+/="), secret_in_env(monkeypatch, "another")
    (got,) = told(RobotSimulator(dialect, key="SEC+/=", say=silent), dialect, monkeypatch, {}, sign_key=right)
    assert isinstance(got, Receipt)
    for key in (wrong, None):
        there = RobotSimulator(dialect, key="SEC+/=", say=silent)
        (got,) = told(there, dialect, monkeypatch, {}, sign_key=key)
        assert isinstance(got, PermanentError)
        assert "sign not match" in str(got)


@ALL
def test_too_many_in_a_minute_wait(monkeypatch: pytest.MonkeyPatch, dialect: Dialect) -> None:
    there = RobotSimulator(dialect, a_minute=1, say=silent)
    first, second = told(there, dialect, monkeypatch, {}, {})
    assert isinstance(first, Receipt)
    assert isinstance(second, TransientError)
    assert second.retry_after_s == 60


@ALL
@pytest.mark.parametrize(
    "body", ["no JSON", "[]", "{}", "0", '{"errcode": "0", "code": "0"}', '{"errcode": false, "code": false}']
)
def test_what_is_no_word_is_never_taken_for_success(
    monkeypatch: pytest.MonkeyPatch, dialect: Dialect, body: str
) -> None:
    there = RobotSimulator(dialect, faults=[Fault("status", 200, body=body)], say=silent)
    (got,) = told(there, dialect, monkeypatch, {})
    assert isinstance(got, TransientError | PermanentError)


def test_a_long_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    there = RobotSimulator("wecom", say=silent)
    (got,) = told(there, "wecom", monkeypatch, {"title": "水" * 900})
    assert isinstance(got, Receipt)
    assert there.lines[0].endswith("…")


def test_a_text_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    there = RobotSimulator("wecom", say=silent)
    text = "{community}/{camera}/{number} {{x}}"
    told(there, "wecom", monkeypatch, {"mode": "task"}, text=text)
    assert there.lines == ["东升社区/北桥 1 号/incident {x}"]


def test_a_line_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    there = RobotSimulator("feishu", say=silent)
    told(there, "feishu", monkeypatch, {"change": "raised"}, language="en", timezone="UTC")
    assert there.lines == ["[DRILL] More people: 有人下到河边\n北桥 河岸, 1 people, 06-01 08:00:00 (high)"]


@pytest.mark.parametrize(
    "text",
    ["{subject}", "{title", "{}", "{0}", "{title.x}", "{title[0]}", "{people:>100000000}", "{title!r}"],
)
def test_what_is_no_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValueError, match=r"a text with \{title\}"):
        stanza("http://127.0.0.1:1", "wecom", monkeypatch, text=text)


def test_what_else_is_wrong_with_a_stanza(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = None
    key = secret_in_env(monkeypatch, "SEC")
    made = stanza("http://10.1.1.1/?key=x", "wecom", monkeypatch, sign_key=key)
    assert [problem.key for problem in made.check(nothing)] == [("url",), ("sign_key",)]
    (problem,) = stanza("10.1.1.1", "wecom", monkeypatch).check(nothing)
    assert problem.found == "a secret of another form"
    with pytest.raises(ValueError, match="an IANA time zone such as"):
        stanza("http://x", "wecom", monkeypatch, timezone="Mars/Base")


def test_the_address_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Receipt | Exception:
        made = stanza("http://127.0.0.1:1/?key=geheim", "wecom", monkeypatch)
        (got,) = await send(robot.build(made, SystemClock()), delivery_of(notice("incident-1", 3)))
        return got

    got = asyncio.run(run())
    assert isinstance(got, TransientError)
    assert "geheim" not in str(got)


def test_every_change_has_its_words() -> None:
    for words in CHANGES.values():
        assert {str(change) for change in {*TOLD, *OF_THE_ASSIGNEE, ChangeKind.RUNG}} == words.keys()


@ALL
def test_a_withdrawal_has_the_number_of_what_it_withdraws(
    monkeypatch: pytest.MonkeyPatch, dialect: Dialect
) -> None:
    there = RobotSimulator(dialect, say=silent)
    changes = ({"change": "confirmed"}, {"change": "false_alarm"})
    told(there, dialect, monkeypatch, *changes, text="{change} {number}")
    assert there.lines == ["【演练】已确认 incident", "【演练】误报，已撤销 incident"]
