"""What the stage asks of a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from detectors.stages.plate import Config
from lianfang.config import Config as Root
from lianfang.errors import ConfigError
from tests.support.configs import loaded


@pytest.mark.parametrize(
    ("beginnings", "said"),
    [
        ({"X": 0.5}, "no plate begins with X"),
        ({"粤TT": 0.5, "粤T": 0.1}, "no plate begins with 粤TT;"),
        ({"": 0.5}, "no plate begins with"),
        ({"粤": 0.8, "桂B": 0.3}, "add up to 1.1"),
        ({"粤": 0}, "greater than 0"),
    ],
)
def test_shares_of_beginnings_must_make_sense(beginnings: dict[str, float], said: str) -> None:
    Config.model_validate({"kind": "plate", "beginnings": {"粤": 0.8, "桂B": 0.2}})
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({"kind": "plate", "beginnings": beginnings})


def configured(folder: Path, *changes: tuple[str, object]) -> Root:
    return loaded(
        folder,
        ("detectors.objects.labels", ["person", "car", "boat"]),
        ("detectors.plates", {"kind": "plate"}),
        ("cameras.cam.detectors", ["objects", "plates"]),
        *changes,
    )


@pytest.mark.parametrize(
    "change",
    [
        ("detectors.objects.labels", ["person", "boat"]),
        ("cameras.cam.detectors", ["plates", "objects"]),
        ("cameras.cam.detectors", ["plates"]),
    ],
)
def test_without_vehicles_before_it_it_is_refused(tmp_path: Path, change: tuple[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"no stage before it at camera cam finds any"):
        configured(tmp_path, change)


def test_models_that_are_not_installed_are_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'plate', but model .* no file; run: lianfang models install"):
        configured(tmp_path, ("models_dir", str(tmp_path)))
