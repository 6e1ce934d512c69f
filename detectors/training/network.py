"""The network of the head locator: its shape and its arithmetic in torch.

Convolutions of 3 x 3, each with batch normalisation and a rectifier; those that keep the size add what they
were given (He et al. 2015, arXiv 1512.03385). Then scores of each cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianfang.errors import ModelError

_EPSILON = 1e-5


@dataclass(frozen=True)
class Layer:
    """One convolution; ``stride`` 2 halves the sides, 1 adds the layer's input to its output."""

    inputs: int
    outputs: int
    stride: int
    dilation: int = 1


@dataclass(frozen=True)
class Shape:
    """The convolutions, and the number of scores of each cell."""

    layers: tuple[Layer, ...]
    scores: int


LOCATOR = Shape(  # a cell of 8 pixels sees 87 of the square's 112: the head and what it rides
    (
        Layer(3, 16, 2),
        Layer(16, 24, 2),
        Layer(24, 24, 1),
        Layer(24, 48, 2),
        Layer(48, 48, 1),
        Layer(48, 48, 1, dilation=2),
    ),
    4,
)

Arrays = dict[str, NDArray[np.float32]]
"""``0.weight`` (out, in, 3, 3) and ``0.bias`` (out,) of each layer, normalisation folded in; ``head.*``."""


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
        spread = (2 / (layer.inputs * 9)) ** 0.5
        weight = self._torch.randn(layer.outputs, layer.inputs, 3, 3) * spread
        self._add(f"{name}.weight", weight)
        # A residual branch starts small, so that the signal keeps its size over the depth.
        gain = 1.0 if layer.stride == 2 else 0.5
        self._add(f"{name}.gain", self._torch.full((layer.outputs,), gain))
        self._add(f"{name}.bias", self._torch.zeros(layer.outputs))
        self._statistics[f"{name}.mean"] = self._torch.zeros(layer.outputs)
        self._statistics[f"{name}.var"] = self._torch.ones(layer.outputs)

    def _add(self, name: str, value: Any) -> None:  # noqa: ANN401
        self.weights[name] = value.float().requires_grad_()

    def scores(self, planes: Any, training: bool) -> Any:  # noqa: ANN401
        """Return what the shape says of pictures (N, 3, H, W) as `classifier.as_input` gives them."""
        functional = self._torch.nn.functional
        x = planes
        for i, layer in enumerate(self._shape.layers):
            y = functional.conv2d(
                x,
                self.weights[f"{i}.weight"],
                stride=layer.stride,
                padding=layer.dilation,
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
            x = x + y if layer.stride == 1 else y
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
