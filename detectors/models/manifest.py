"""The models that lianfang knows how to fetch, convert and run: ``manifest.toml``, checked."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

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

    @property
    def described(self) -> str:
        """Where it comes from, as an auditor would look it up."""
        return f"npm {self.npm} {self.version}"


class PypiSource(_Strict):
    """A package of the Python index whose wheel holds the model as it is run."""

    pypi: str
    version: str
    sha256: Sha256
    size_mb: int
    model: SourceFile

    @property
    def described(self) -> str:
        """Where it comes from, as an auditor would look it up."""
        return f"pypi {self.pypi} {self.version}"


class ModelEntry(_Strict):
    """One model: whose, from where, and what its input and its outputs mean.

    ``family`` tells who can run it: an engine the object models, the reader of plates the others. ``labels``
    names its classes in order (of a recogniser: its characters; none where the file itself lists them).
    ``free_axes`` are the axes of the input that the conversion leaves open. ``trial_shape`` is a small input
    that it must be able to look at.
    """

    name: str
    family: Literal["nanodet", "plate-detector", "plate-recogniser"]
    summary: str
    licence: str
    upstream: str
    onnx_sha256: Sha256
    free_axes: dict[int, str] = Field(default_factory=dict)
    trial_shape: tuple[int, int, int, int] = (1, 3, 64, 64)
    source: NpmSource | PypiSource
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _taken_as_it_is(self) -> Self:
        if isinstance(self.source, PypiSource) and self.source.model.sha256 != self.onnx_sha256:
            raise ValueError("onnx_sha256 is that of source.model: it is not converted")
        return self


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
