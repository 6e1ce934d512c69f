"""The network of the head classifier: its shape, its arithmetic in torch, and its ONNX file.

Seven convolutions of 3 x 3, each with batch normalisation and a rectifier; those that keep the size add
what they were given (He et al. 2015, arXiv 1512.03385). Then the mean over the picture and a score per class.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detectors.helmets.classifier import INPUT, OUTPUT
from detectors.helmets.heads import CROP_PX
from detectors.helmets.votes import Thresholds
from lianfang.errors import ModelError

CLASSES = ("worn", "bare")
_EPSILON = 1e-5


@dataclass(frozen=True)
class Layer:
    """One convolution; ``stride`` 2 halves the sides, 1 adds the layer's input to its output."""

    inputs: int
    outputs: int
    stride: int


LAYERS = (
    Layer(3, 24, 2),
    Layer(24, 48, 2),
    Layer(48, 48, 1),
    Layer(48, 72, 2),
    Layer(72, 72, 1),
    Layer(72, 120, 2),
    Layer(120, 120, 1),
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

    def __init__(self, start: Arrays | None = None, seed: int = 0) -> None:
        """Begin with random weights, or with ``start``: then the normalisation's statistics stand still."""
        self._torch = torch()
        self._frozen = start is not None
        self._torch.manual_seed(seed)
        self.weights: dict[str, Any] = {}
        self._statistics: dict[str, Any] = {}
        for i, layer in enumerate(LAYERS):
            self._begin(str(i), layer, start)
        shape = (len(CLASSES), LAYERS[-1].outputs)
        self._add("head.weight", self._given(start, "head.weight", self._torch.randn(shape) * 0.05))
        self._add("head.bias", self._given(start, "head.bias", self._torch.zeros(shape[0])))

    def _begin(self, name: str, layer: Layer, start: Arrays | None) -> None:
        spread = (2 / (layer.inputs * 9)) ** 0.5
        weight = self._torch.randn(layer.outputs, layer.inputs, 3, 3) * spread
        self._add(f"{name}.weight", self._given(start, f"{name}.weight", weight))
        # A residual branch starts small, so that the signal keeps its size over the depth.
        gain = 1.0 if layer.stride == 2 or start is not None else 0.5
        self._add(f"{name}.gain", self._torch.full((layer.outputs,), gain))
        self._add(f"{name}.bias", self._given(start, f"{name}.bias", self._torch.zeros(layer.outputs)))
        self._statistics[f"{name}.mean"] = self._torch.zeros(layer.outputs)
        # With a start, mean 0 and deviation 1 make the normalisation do nothing.
        self._statistics[f"{name}.var"] = self._torch.full((layer.outputs,), 1 - _EPSILON)

    def _given(self, start: Arrays | None, name: str, otherwise: Any) -> Any:  # noqa: ANN401
        return otherwise if start is None else self._torch.from_numpy(start[name].copy())

    def _add(self, name: str, value: Any) -> None:  # noqa: ANN401
        self.weights[name] = value.float().requires_grad_()

    def logits(self, planes: Any, training: bool) -> Any:  # noqa: ANN401
        """Return the scores (N, 2) of crops (N, 3, 64, 64) as `classifier.as_input` gives them."""
        functional = self._torch.nn.functional
        x = planes
        for i, layer in enumerate(LAYERS):
            y = functional.conv2d(x, self.weights[f"{i}.weight"], stride=layer.stride, padding=1)
            y = functional.batch_norm(
                y,
                self._statistics[f"{i}.mean"],
                self._statistics[f"{i}.var"],
                self.weights[f"{i}.gain"],
                self.weights[f"{i}.bias"],
                training=training and not self._frozen,
                eps=_EPSILON,
            )
            y = functional.relu(y)
            x = x + y if layer.stride == 1 else y
        pooled = x.mean(dim=(2, 3))
        if training:
            pooled = functional.dropout(pooled, 0.2)
        return functional.linear(pooled, self.weights["head.weight"], self.weights["head.bias"])

    def arrays(self) -> Arrays:
        """Return the weights with the normalisation folded into the convolutions."""
        folded: Arrays = {}
        for i in range(len(LAYERS)):
            scale = self.weights[f"{i}.gain"] / (self._statistics[f"{i}.var"] + _EPSILON).sqrt()
            folded[f"{i}.weight"] = _numpy(self.weights[f"{i}.weight"] * scale[:, None, None, None])
            folded[f"{i}.bias"] = _numpy(self.weights[f"{i}.bias"] - self._statistics[f"{i}.mean"] * scale)
        for name in ("head.weight", "head.bias"):
            folded[name] = _numpy(self.weights[name])
        return folded


def _numpy(tensor: Any) -> NDArray[np.float32]:  # noqa: ANN401
    return np.asarray(tensor.detach().numpy(), np.float32)


def to_onnx(arrays: Arrays, thresholds: Thresholds) -> bytes:
    """Return the ONNX file of ``arrays``: 16-bit weights, crops in, probability of being bare (N,) out."""
    constants, nodes = [], []
    for name, array in arrays.items():
        constants.append(numpy_helper.from_array(array.astype(np.float16), f"{name}.f16"))
        nodes.append(helper.make_node("Cast", [f"{name}.f16"], [name], to=TensorProto.FLOAT))
    x = INPUT
    for i, layer in enumerate(LAYERS):
        given, conv, strides = [x, f"{i}.weight", f"{i}.bias"], f"{i}.conv", [layer.stride] * 2
        nodes.append(helper.make_node("Conv", given, [conv], pads=[1] * 4, strides=strides))
        nodes.append(helper.make_node("Relu", [conv], [f"{i}.relu"]))
        if layer.stride == 1:
            nodes.append(helper.make_node("Add", [x, f"{i}.relu"], [f"{i}.sum"]))
        x = f"{i}.sum" if layer.stride == 1 else f"{i}.relu"
    constants.append(numpy_helper.from_array(np.array(CLASSES.index("bare"), np.int64), "class"))
    nodes += [
        helper.make_node("GlobalAveragePool", [x], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "head.weight", "head.bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["shares"], axis=1),
        helper.make_node("Gather", ["shares", "class"], [OUTPUT], axis=1),
    ]
    crops = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, CROP_PX, CROP_PX])
    bare = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "helmet-head", [crops], [bare], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(
        model, {"bare_from": str(thresholds.bare_from), "worn_to": str(thresholds.worn_to)}
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def from_onnx(content: bytes) -> Arrays:
    """Return the weights in a file that `to_onnx` wrote; ModelError where it is another."""
    held = {
        constant.name.removesuffix(".f16"): numpy_helper.to_array(constant).astype(np.float32)
        for constant in onnx.load(io.BytesIO(content)).graph.initializer
        if constant.name.endswith(".f16")
    }
    wanted = {f"{i}.{part}" for i in range(len(LAYERS)) for part in ("weight", "bias")}
    if set(held) != wanted | {"head.weight", "head.bias"}:
        raise ModelError("these weights are not of the head classifier's network: train from --data instead")
    return held
