"""``kind: onnx``: a model of the manifest on onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from detectors.engines.base import Detections, Engine, require_image
from detectors.models import runtimes
from detectors.models.manifest import ModelEntry, entry, manifest
from detectors.models.nanodet import NanoDet
from detectors.models.runtimes import Run
from detectors.models.store import verify
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.errors import ModelError


class Config(Stanza):
    """A model of the manifest on onnxruntime."""

    kind: Literal["onnx"] = "onnx"
    model: str = "nanodet-g"
    """Name of the model; ``lianfang models list`` shows them."""
    input_size: tuple[int, int] = (640, 384)
    """Width and height in pixels that pictures are fitted into; more finds smaller objects, later."""
    min_confidence: float = Field(default=0.2, ge=0.05, le=1)
    """Weaker detections are dropped."""
    nms_iou: float = Field(default=0.6, gt=0, le=1)
    """Of two boxes of one class that overlap more (intersection over union), the stronger one stays."""
    providers: Literal["auto"] | Annotated[tuple[str, ...], Field(min_length=1)] = (runtimes.CPU,)
    """Execution providers of onnxruntime, the preferred one first; it must be able to start. Or ``openvino``
    alone (extra ``openvino``), or ``auto``: the fastest of what is there is found at every start."""
    intra_op_threads: int = Field(default=1, ge=1, le=64)
    """Threads inside one call. With 1, calls from several workers use the cores best."""

    @field_validator("input_size")
    @classmethod
    def _multiples(cls, size: tuple[int, int]) -> tuple[int, int]:
        if any(side % 32 or not 32 <= side <= 2048 for side in size):
            raise ValueError("[width, height], both multiples of 32 from 32 to 2048")
        return size

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model can find; nothing if there is no such model."""
        return _models()[self.model].labels if self.model in _models() else ()

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield a problem if there is no such model, or if it is not installed as it should be."""
        if self.model not in _models():
            yield Problem(("model",), repr(self.model), f"one of {', '.join(sorted(_models()))}")
            return
        try:
            verify(self.model, config.models_dir)
        except ModelError as error:
            yield Problem(("model",), f"{self.model!r}, but {error}", "a model that is installed")
        if self.providers != "auto" and (reason := runtimes.missing(self.providers)):
            yield Problem(("providers",), reason, f"auto, or of {', '.join(runtimes.available())}")


def _models() -> Mapping[str, ModelEntry]:
    """Return the models that find objects."""
    return {name: model for name, model in manifest().items() if model.family == "nanodet"}


class _Family(Protocol):
    """How a family of models wants its input and what its outputs mean."""

    def prepare(self, image_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return the input tensor and the width and height in pixels that the image takes up in it."""
        ...

    def decode(self, outputs: list[NDArray[np.float32]], content: tuple[int, int]) -> Detections:
        """Return what the outputs say of the image that takes up ``content`` of the input."""
        ...


def build(config: Config, cache_dir: Path | None = None) -> Engine:
    """Load, check and warm up the model. Raises ModelError when it is missing, altered or cannot run."""
    model = entry(config.model)
    path = verify(config.model, cache_dir)
    family = _family(model, config)
    width, height = config.input_size
    if config.providers == "auto":
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        run = runtimes.fastest(path, config.intra_op_threads, family.prepare(noise)[0])
    else:
        run = runtimes.start(path, config.providers, config.intra_op_threads)
    engine = _OnnxEngine(model, run, family)
    engine.detect(np.zeros((height, width, 3), np.uint8))
    return engine


def _family(model: ModelEntry, config: Config) -> _Family:
    match model.family:
        case "nanodet":
            return NanoDet(config.input_size, len(model.labels), config.min_confidence, config.nms_iou)
        case other:
            raise ModelError(f"{model.name} is a {other}: it finds no objects")


class _OnnxEngine:
    def __init__(self, model: ModelEntry, run: Run, family: _Family) -> None:
        self.labels = model.labels
        self.model_id = f"{model.name}@{model.onnx_sha256[:12]}"
        self._run = run
        self._family = family

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        require_image(image_bgr)
        tensor, content = self._family.prepare(image_bgr)
        return self._family.decode(self._run(tensor), content)
