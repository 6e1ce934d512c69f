"""Score → probability that something of that class is in the box, as data: a file for each model.

The curve is Platt's (1999) on the score's own logit: two numbers a class. An isotonic table, which needs
many more boxes, was further off on pictures that it was not fitted to: .069 against .051 for people.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianfang.errors import ModelError

OTHERS = "*"
"""The label of the curve for classes too rare to have their own."""
_CLOSEST = 1e-4  # to 0 and to 1: no finite number of pictures says that a box is certain

Floats = NDArray[np.float64]


class Curve(BaseModel):
    """probability = 1 / (1 + exp(-(slope · logit(score) + offset))); rising, as the slope is above 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = Field(gt=0, le=100)
    offset: float = Field(ge=-100, le=100)
    boxes: int = Field(ge=1)
    """That it was fitted to."""
    right: int = Field(ge=1)
    """Of those."""

    def probability(self, score: NDArray[np.floating]) -> Floats:
        """Return (N,), 0-1, of scores (N,)."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * logit(score) + self.offset))))


class Calibration(BaseModel):
    """The curves of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    """``model_id`` of the engine: its name and the first 12 digits of its sha256."""
    pictures: int = Field(ge=1)
    """That the curves were fitted to."""
    pictures_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of their annotations: measuring on the same ones flatters."""
    curves: dict[str, Curve] = Field(min_length=1)
    """By label; `OTHERS` for those that are not named."""

    def curve(self, label: str) -> Curve:
        """Return the curve of ``label``; ModelError where it has none."""
        curve = self.curves.get(label, self.curves.get(OTHERS))
        if curve is None:
            raise ModelError(f"the calibration of {self.model} has no curve for {label!r}")
        return curve

    def require(self, model_id: str) -> None:
        """Raise ModelError unless it was fitted to this very model."""
        if model_id != self.model:
            raise ModelError(f"the calibration is that of {self.model}, and the model is {model_id}")


def of_model(name: str) -> Calibration:
    """Return the calibration that comes with the model called ``name``; ModelError where none does."""
    folder = files(__package__)
    file = folder / f"{name}.json"
    if not file.is_file():
        known = ", ".join(
            sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name[-5:] == ".json")
        )
        raise ModelError(f"no calibration comes with {name}, only with {known}: `lianfang models calibrate`")
    return read(file)


def read(file: Path | Traversable) -> Calibration:
    """Return what ``file`` holds; ModelError where it is missing or holds none."""
    try:
        return Calibration.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"{file}: no calibration: {where}: {first['msg']}") from error


def logit(score: NDArray[np.floating]) -> Floats:
    """Return (N,) of scores (N,), 0-1."""
    inside = np.clip(np.asarray(score, np.float64), _CLOSEST, 1 - _CLOSEST)
    return np.asarray(np.log(inside / (1 - inside)))
