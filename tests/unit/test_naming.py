"""How cameras are called: what a template may be, which names break it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianfang.config import load
from lianfang.config.naming import next_name, number_in
from lianfang.errors import ConfigError, ConfigProblem
from tests.support.configs import SECRETS, changed, write

TEMPLATE = "{point}-{n:02d}号枪机"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("东岸-01号枪机", 1),
        ("东岸-12号枪机", 12),
        ("东岸-123号枪机", 123),
        ("东岸-1号枪机", None),  # another format
        ("东岸-00号枪机", None),
        ("西岸-01号枪机", None),  # another point
        ("东岸-01号枪机(备)", None),
        ("东岸-01号球机", None),
    ],
)
def test_the_number_in_a_name(name: str, number: int | None) -> None:
    assert number_in(name, TEMPLATE, "东岸") == number


def test_no_number_is_given_twice() -> None:
    assert next_name(TEMPLATE, "东岸", {"东岸-01号枪机", "东岸-03号枪机"}) == "东岸-02号枪机"


@pytest.mark.parametrize(
    "template",
    ["{point}", "{n}号", "{point}{n}{n}", "{point}{n:z}", "{camera}{n}", "{", "{point.x}{n}", "{point}{}"],
)
def test_a_template_that_tells_nothing_apart(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, changed(("community.camera_names", template))))
    (problem,) = caught.value.problems
    assert problem.key == "community.camera_names"
    assert "{point} and {n} once each" in problem.allowed


def test_names_that_break_it_and_names_given_twice_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    warned: list[ConfigProblem] = []
    names = (("cameras.cam.name", "东岸-01号枪机"), ("cameras.cam2.name", "东岸-01号枪机"))
    load(write(tmp_path, changed(("community.camera_names", TEMPLATE), *names)), warned.append)
    assert [(problem.key, problem.found) for problem in warned] == [
        ("cameras.cam2.name", "'东岸-01号枪机', as cam is called")
    ]
    warned.clear()
    load(write(tmp_path, changed(("community.camera_names", TEMPLATE))), warned.append)
    assert [problem.key for problem in warned] == ["cameras.cam.name", "cameras.cam2.name"]
    assert "such as '东岸-01号枪机'" in warned[0].allowed
    warned.clear()
    load(write(tmp_path, changed()), warned.append)
    assert not warned
