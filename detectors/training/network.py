"""The part of the head locator that is trained: its shape and its arithmetic in torch.

It reads the planes of an object model's first stage (`detectors.training.stem`). Convolutions, each with
batch normalisation and a rectifier; those that keep the count of planes add what they were given (He et al.
2015, arXiv 1512.03385). Then scores of each cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.training.stem import PLANES
from lianfang.errors import ModelError

DROPPED = 0.1  # of the stage's planes, in training
_EPSILON = 1e-5


@dataclass(frozen=True)
class Layer:
    """One convolution of ``kernel`` x ``kernel``; as many outputs as inputs are added to the inputs."""

    inputs: int
    outputs: int
    kernel: int = 3
    dilation: int = 1

    @property
    def adds(self) -> bool:
        """Say whether the layer's input is added to its output."""
        return self.inputs == self.outputs

    @property
    def padding(self) -> int:
        """Return the cells beyond each side that keep the map as large as it is."""
        return self.dilation * (self.kernel // 2)


@dataclass(frozen=True)
class Shape:
    """The convolutions, and the number of scores of each cell."""

    layers: tuple[Layer, ...]
    scores: int


LOCATOR = Shape((Layer(PLANES, 48, kernel=1), Layer(48, 48), Layer(48, 48, dilation=2)), 4)

Arrays = dict[str, NDArray[np.float32]]
"""``0.weight`` (out, in, k, k) and ``0.bias`` (out,) of each layer, normalisation folded in; ``head.*``."""


def torch() -> Any:  # noqa: ANN401 - a package that need not be there
    """Return the package torch; ModelError where it is not installed."""
    try:
        return import_module("torch")
    except ModuleNotFoundError as error:
        raise ModelError("training needs torch: pip install 'lianfang[train]'") from error


class Network:
    """Weights in training: torch tensors by name."""

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        """Begin with random weights, the same for the same ``seed``."""
        self._torch = torch()
        self._shape = shape
        self._torch.manual_seed(seed)
        self.weights: dict[str, Any] = {}
        self._statistics: dict[str, Any] = {}
        for i, layer in enumerate(shape.layers):
            self._begin(str(i), layer)
        last = (shape.scores, shape.layers[-1].outputs)
        self._add("head.weight", self._torch.randn(last) * 0.05)
        self._add("head.bias", self._torch.zeros(last[0]))

    def _begin(self, name: str, layer: Layer) -> None:
        spread = (2 / (layer.inputs * layer.kernel**2)) ** 0.5
        weight = self._torch.randn(layer.outputs, layer.inputs, layer.kernel, layer.kernel) * spread
        self._add(f"{name}.weight", weight)
        # A residual branch starts small, so that the signal keeps its size over the depth.
        gain = 0.5 if layer.adds else 1.0
        self._add(f"{name}.gain", self._torch.full((layer.outputs,), gain))
        self._add(f"{name}.bias", self._torch.zeros(layer.outputs))
        self._statistics[f"{name}.mean"] = self._torch.zeros(layer.outputs)
        self._statistics[f"{name}.var"] = self._torch.ones(layer.outputs)

    def _add(self, name: str, value: Any) -> None:  # noqa: ANN401
        self.weights[name] = value.float().requires_grad_()

    def scores(self, planes: Any, training: bool) -> Any:  # noqa: ANN401
        """Return what the shape says of the stage's planes (N, 128, H, W), each of mean 0 and variance 1."""
        functional = self._torch.nn.functional
        x = functional.dropout2d(planes, DROPPED, training)
        for i, layer in enumerate(self._shape.layers):
            y = functional.conv2d(
                x,
                self.weights[f"{i}.weight"],
                padding=layer.padding,
                dilation=layer.dilation,
            )
            y = functional.batch_norm(
                y,
                self._statistics[f"{i}.mean"],
                self._statistics[f"{i}.var"],
                self.weights[f"{i}.gain"],
                self.weights[f"{i}.bias"],
                training=training,
                eps=_EPSILON,
            )
            y = functional.relu(y)
            x = x + y if layer.adds else y
        if training:
            x = functional.dropout(x, 0.2)
        kernel = self.weights["head.weight"][:, :, None, None]
        return functional.conv2d(x, kernel, self.weights["head.bias"])

    def arrays(self) -> Arrays:
        """Return the weights with the normalisation folded into the convolutions."""
        folded: Arrays = {}
        for i in range(len(self._shape.layers)):
            scale = self.weights[f"{i}.gain"] / (self._statistics[f"{i}.var"] + _EPSILON).sqrt()
            folded[f"{i}.weight"] = _numpy(self.weights[f"{i}.weight"] * scale[:, None, None, None])
            folded[f"{i}.bias"] = _numpy(self.weights[f"{i}.bias"] - self._statistics[f"{i}.mean"] * scale)
        for name in ("head.weight", "head.bias"):
            folded[name] = _numpy(self.weights[name])
        return folded


def _numpy(tensor: Any) -> NDArray[np.float32]:  # noqa: ANN401
    return np.asarray(tensor.detach().numpy(), np.float32)
