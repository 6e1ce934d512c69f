"""Every fault of a configuration is named by file, line and key, with what was found and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lianfang.cli import main
from lianfang.config import load
from lianfang.errors import ConfigError, ConfigProblem
from tests.support.configs import SECRETS, changed, loaded, write


def problems(folder: Path, *changes: tuple[str, Any]) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, changed(*changes)))
    return caught.value.problems


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "site.yaml").read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("key", "value", "at", "found", "allowed"),
    [
        # An unknown key: the allowed ones are listed, and the likely one is named.
        ("cameras.cam.fsp", 5, "cameras.cam.fsp", "unknown key 'fsp'", "did you mean 'fps'"),
        ("cameras.cam.source.urls", "x", "cameras.cam.source.urls", "unknown key 'urls'", "url"),
        ("rules.entry.dwell", 3, "rules.entry.dwell", "unknown key 'dwell'", "frames"),
        # Numbers out of their bounds.
        ("cameras.cam.fps", 0, "cameras.cam.fps", "0", "greater than or equal to 0.2"),
        ("cameras.cam.fps", "fast", "cameras.cam.fps", "'fast'", "a valid number"),
        # A polygon that leaves 0-1, crosses itself, or has no area.
        (
            "cameras.cam.zones.water.polygon",
            [[0, 0], [1.2, 0], [1, 1]],
            "cameras.cam.zones.water.polygon.1.0",
            "1.2",
            "less than or equal to 1",
        ),
        (
            "cameras.cam.zones.water.polygon",
            [[0, 0], [1, 1], [1, 0], [0, 1]],
            "cameras.cam.zones.water.polygon",
            "[[0, 0]",
            "does not cross itself",
        ),
        (
            "cameras.cam.zones.water.polygon",
            [[0, 0], [0.5, 0.5], [1, 1]],
            "cameras.cam.zones.water.polygon",
            "[[0, 0]",
            "polygon",
        ),
        (
            "cameras.cam.zones.water.polygon",
            [[0, 0], [1, 1]],
            "cameras.cam.zones.water.polygon",
            "",
            "at least 3",
        ),
        # References that lead nowhere.
        ("cameras.cam.point", "nowhere", "cameras.cam.point", "'nowhere'", "one of bank, gate"),
        ("cameras.cam.detectors", ["helmet"], "cameras.cam.detectors.0", "'helmet'", "one of objects"),
        (
            "cameras.cam.zones.water.speakers",
            ["police"],
            "cameras.cam.zones.water.speakers.0",
            "'police'",
            "horn",
        ),
        ("rules.entry.cameras", ["cam", "cam9"], "rules.entry.cameras.1", "'cam9'", "one of cam, cam2"),
        ("rules.entry.zones", ["ice"], "rules.entry.zones.0", "'ice'", "a zone of camera cam: water"),
        ("rules.entry.labels", ["dog"], "rules.entry.labels.0", "'dog'", "boat, person"),
        (
            "rules.entry.notify",
            [{"receiver": "horn"}],
            "rules.entry.notify.0.receiver",
            "'horn'",
            "one of police",
        ),
        # A kind that there is not.
        ("rules.entry.kind", "fly_by", "rules.entry.kind", "'fly_by'", "zone_entry"),
        ("cameras.cam.source.kind", "webcam", "cameras.cam.source.kind", "'webcam'", "rtsp"),
        ("receivers.police.kind", "pigeon", "receivers.police.kind", "'pigeon'", "webhook"),
        # Ids are ASCII; names need not be.
        ("cameras.河岸", {}, "cameras.河岸", "'河岸'", "an id: a lower-case letter"),
        ("community.timezone", "Asia/Zhongshan", "community.timezone", "'Asia/Zhongshan'", "IANA"),
        ("rules.entry.speech.text", "离开{where}", "rules.entry.speech.text", "离开{where}", "{place}"),
        ("receivers.horn.token", {"env": "NOT_SET"}, "receivers.horn.token", "NOT_SET", "secret"),
        ("receivers.horn.token", {}, "receivers.horn.token", "{}", "exactly one of 'file' and 'env'"),
        ("cameras", {}, "cameras", "{}", "at least 1"),
        ("community", ..., "community", "nothing", "required"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, key: str, value: Any, at: str, found: str, allowed: str) -> None:  # noqa: ANN401
    (problem, *_) = problems(tmp_path, (key, value))
    assert (problem.file, problem.key) == (tmp_path / "site.yaml", at)
    assert found in problem.found
    assert allowed in problem.allowed
    last = key.rsplit(".", 1)[-1]
    if value is not ...:
        assert problem.line >= line_of(tmp_path, f"{last}:")


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, ("rules.entry.min_confidence", 1.5))
    assert problem.line == line_of(tmp_path, "min_confidence: 1.5")


def test_several_zones_need_an_operator(tmp_path: Path) -> None:
    zones = {"a": {"polygon": [[0, 0], [1, 0], [1, 1]]}, "b": {"polygon": [[0, 0], [1, 0], [1, 1]]}}
    (problem,) = problems(
        tmp_path,
        ("cameras.cam.zones", zones),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.zones", ["a", "b"]),
    )
    assert "match: any" in problem.allowed


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, ("cameras.cam.fps", 0), ("cameras.cam2.nmae", 1), ("rules.entry.frames", 0))
    assert [p.key for p in found] == ["cameras.cam.fps", "cameras.cam2.nmae", "rules.entry.frames"]
    found = problems(tmp_path, ("cameras.cam.point", "x"), ("rules.entry.zones", ["y"]))
    assert {p.key for p in found} == {"cameras.cam.point", "rules.entry.zones.0"}


def test_a_wrong_corner_is_not_said_to_be_a_missing_one(tmp_path: Path) -> None:
    key = "cameras.cam.zones.water.polygon"
    found = problems(tmp_path, (key, [[0, 0], [1.2, 0], [1, 1]]))
    assert [p.key for p in found] == [f"{key}.1.0"]
    found = problems(tmp_path, (key, [[0, 0], [1, 1]]))
    assert [p.key for p in found] == [key]


def test_two_cameras_of_one_id(tmp_path: Path) -> None:
    text = write(tmp_path, changed()).read_text(encoding="utf-8").replace("  cam2:\n", "  cam:\n")
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    (problem,) = caught.value.problems
    assert problem.key == "cameras.cam"
    assert f"the first is on line {line_of(tmp_path, '  cam:')}" in problem.found


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("a: [1, 2", "valid YAML"),
        ("- 1", "a mapping of sections"),
        ("", "a mapping of sections"),
        ("a: !!python/object:os.system x", "valid YAML"),
    ],
)
def test_text_that_is_no_configuration(tmp_path: Path, text: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert any(allowed in p.allowed for p in caught.value.problems)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "latin.yaml")


def test_no_message_shows_a_password(tmp_path: Path) -> None:
    url = "rtsp://admin:s3cr@t@10.0.0.1/x"
    for source in (
        {"kind": "rtsp", "url": url, "speed": 1},
        {"kind": "rtsp", "url": url.replace("rtsp", "ftp")},
    ):
        for problem in problems(tmp_path, ("cameras.cam.source", source)):
            assert "s3cr" not in str(problem)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path).data_dir == tmp_path / "data"
    assert loaded(tmp_path, ("data_dir", "/srv/x")).data_dir == Path("/srv/x")


def test_check_prints_every_problem_and_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, changed(("cameras.cam.fps", 0), ("rules.entry.frames", 0)))
    assert main(["check", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{file}:")
    assert lines[-1] == f"{file}: 2 problems"


@pytest.mark.parametrize(
    ("height", "others", "warned"),
    [
        (0.05, {}, "640x384, where people of cam are 18 px high"),
        (0.06, {}, None),  # 21.6 px of 360
        (0.05, {"detectors.objects.engine": {"kind": "onnx", "input_size": [1280, 736]}}, None),
        (0.05, {"detectors.objects.tiles": [2, 2]}, None),
        (0.05, {"detectors.objects.labels": ["boat"], "rules.entry.labels": ["boat"]}, None),
    ],
)
def test_check_warns_of_people_too_small_to_be_seen_and_lets_it_start(
    height: float,
    others: dict[str, Any],
    warned: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    file = write(tmp_path, changed(("cameras.cam.person_height", height), *others.items()))
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr()
    assert "good" in said.out
    if warned is None:
        assert said.err == ""
    else:
        (line,) = said.err.splitlines()
        at = line_of(tmp_path, "engine:")
        assert line.startswith(f"warning: {file}:{at}: detectors.objects.engine.input_size: found {warned}")
        assert "20 px or more" in line


def test_check_of_a_good_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(write(tmp_path, changed()))]) == 0
    assert "2 cameras" in capsys.readouterr().out


def test_the_reference_of_the_configuration_is_current() -> None:
    written = Path(__file__).parents[2] / "docs" / "configuration.md"
    printed = subprocess.run(
        [sys.executable, "-m", "lianfang.config.reference"], capture_output=True, text=True, check=True
    ).stdout
    assert written.read_text(encoding="utf-8") == printed, (
        "python -m lianfang.config.reference > docs/configuration.md"
    )
    undocumented = [line for line in printed.splitlines() if line.endswith("|  |") and "`kind`" not in line]
    assert undocumented == []
