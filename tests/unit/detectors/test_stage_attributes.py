"""What a stage says that it tells rules is what it tells them."""

from __future__ import annotations

import dataclasses
from typing import get_args

import detectors.stages.helmet
import detectors.stages.plate
import detectors.stages.river
from detectors.helmets.votes import State
from detectors.plates.votes import Verdict
from detectors.river.watch import Said
from lianfang.plates import KINDS


def test_of_riders() -> None:
    assert detectors.stages.helmet.Config(kind="helmet").attributes == {"helmet": get_args(State)}


def test_of_people_at_the_water() -> None:
    given = detectors.stages.river.Config(kind="river").attributes
    assert set(given) == {field.name for field in dataclasses.fields(Said)}


def test_of_vehicles() -> None:
    given = detectors.stages.plate.Config(kind="plate").attributes
    kind = next(iter(KINDS.values()))
    verdict = Verdict("粤T12345", (), 0.9, kind.colours[0], kind.name, True)
    said = detectors.stages.plate._attributes(verdict)
    assert set(given) < set(said)
    assert all(said[key] in values for key, values in given.items() if values)
