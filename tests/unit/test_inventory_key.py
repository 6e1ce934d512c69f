"""An inventory: points, cameras and more in files beside the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lianfang.config import Config, load
from lianfang.errors import ConfigError, ConfigProblem
from tests.support.configs import SECRETS, changed, write


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


CAMERA = {"name": "三号", "point": "bank", "source": {"kind": "rtsp", "url": "rtsp://10.0.0.9/c"}}


def with_inventory(folder: Path, named: Any, **files: Any) -> Path:  # noqa: ANN401
    for name, data in files.items():
        text = data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        file = folder / name.replace("__", "/") / "list.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return write(folder, changed(("inventory", named)))


def problems(file: Path) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        load(file)
    return caught.value.problems


def test_what_stands_in_an_inventory_belongs_to_the_configuration(tmp_path: Path) -> None:
    login = {"username": "u", "password": {"file": "c3.txt"}}
    more = {"cameras": {"c3": {**CAMERA, "source": {**CAMERA["source"], **login}}}}  # type: ignore[dict-item]
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c3.txt").write_text("secret", encoding="utf-8")
    points = {"points": {"mill": {"name": "磨坊"}}, "uplinks": {"radio": {"name": "无线"}}, "sensors": None}
    config = load(with_inventory(tmp_path, ["more/list.yaml", "p/list.yaml"], more=more, p=points))
    assert list(config.cameras) == ["cam", "cam2", "c3"]
    assert config.points["mill"].name == "磨坊"
    assert config.uplinks["radio"].name == "无线"
    # A path is taken from the folder of the file in which it stands.
    assert config.cameras["c3"].source.password.read() == "secret"  # type: ignore[attr-defined]
    assert config.data_dir == tmp_path / "data"


def test_one_file_needs_no_list_and_no_camera_stands_in_the_configuration(tmp_path: Path) -> None:
    data = changed(("inventory", "list.yaml"))
    here = {"cameras": data.pop("cameras"), "points": data.pop("points")}
    (tmp_path / "list.yaml").write_text(yaml.safe_dump(here, allow_unicode=True), encoding="utf-8")
    split = load(write(tmp_path, data))
    assert dict(split) == {**dict(load(write(tmp_path, changed()))), "inventory": (tmp_path / "list.yaml",)}
    assert isinstance(split, Config)


def test_the_same_id_in_two_files_is_said_with_both(tmp_path: Path) -> None:
    file = with_inventory(
        tmp_path,
        ["a/list.yaml", "b/list.yaml"],
        a={"cameras": {"c3": CAMERA, "cam": CAMERA}},
        b={"cameras": {"c3": CAMERA}},
    )
    first, second = problems(file)
    line = next(
        i for i, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if "  cam:" in text
    )
    assert (first.file, first.key) == (tmp_path / "a" / "list.yaml", "cameras.cam")
    assert f"the first is in {file}, line {line}" in first.found
    assert (second.file, second.line) == (tmp_path / "b" / "list.yaml", 2)
    assert f"the first is in {tmp_path / 'a' / 'list.yaml'}, line 2" in second.found


@pytest.mark.parametrize(
    ("text", "at", "line", "found", "allowed"),
    [
        ("points:\n  mill:\n    name: x\n    nmae: y\n", "points.mill.nmae", 4, "'nmae'", "name"),
        (
            "points:\n  mill: {name: 磨坊, place_code: '1'}\n",
            "points.mill.place_code",
            2,
            "'1'",
            "match pattern",
        ),
        ("uplinks:\n  bank: {name: x}\n", "uplinks.bank", 2, "'bank'", "no point and no place"),
        ("rules:\n  x: {}\n", "rules", 1, "the section 'rules'", "one of cameras, grid_cells, points"),
        ("cameras: [1]\n", "cameras", 1, "no mapping", "a mapping of ids"),
        ("cameras: {a: 1, a: 2}\n", "cameras.a", 1, "a second 'a'", "each key once"),
        ("- 1\n", "", 1, "no mapping", "a mapping of sections"),
        ("a: [1\n", "", 2, "", "valid YAML"),
    ],
)
def test_a_fault_is_named_with_the_file_that_it_stands_in(
    tmp_path: Path, text: str, at: str, line: int, found: str, allowed: str
) -> None:
    (problem, *_) = problems(with_inventory(tmp_path, "i/list.yaml", i=text))
    assert (problem.file, problem.key, problem.line) == (tmp_path / "i" / "list.yaml", at, line)
    assert found in problem.found
    assert allowed in problem.allowed


@pytest.mark.parametrize(("named", "at"), [(3, "inventory"), ([3], "inventory.0"), ("away.yaml", "")])
def test_an_inventory_that_is_none(tmp_path: Path, named: Any, at: str) -> None:  # noqa: ANN401
    (problem, *_) = problems(with_inventory(tmp_path, named))
    assert problem.key == at


def test_a_section_that_is_wrong_in_the_configuration_itself(tmp_path: Path) -> None:
    file = with_inventory(tmp_path, "i/list.yaml", i={"points": {"mill": {"name": "磨坊"}}})
    file.write_text(
        file.read_text(encoding="utf-8").replace("points:\n", "points: 3\nx:\n"), encoding="utf-8"
    )
    assert {problem.key for problem in problems(file)} == {"points", "x"}
