"""Collects ONNX nodes while a TensorFlow.js graph is walked, and spares it needless transposes.

TensorFlow.js computes convolutions in NHWC, ONNX in NCHW. A `Value` therefore remembers how its ONNX
tensor lies; a Transpose only changes that note, and a real one is written where an operation needs another
layout. In a graph that came from PyTorch nearly all of them cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper

from detectors.models.tfjs.graph import Array, Node
from lianfang.errors import ModelError

OPSET = 17  # Resize with half_pixel and Split with sizes as an input; runs on every onnxruntime since 1.12
IR_VERSION = 8  # the one that belongs to opset 17; fixed so that the bytes do not follow the onnx package
NCHW = (0, 2, 3, 1)  # where the axes N, H, W, C of a TensorFlow tensor lie in an NCHW one


@dataclass(frozen=True)
class Dim:
    """One axis: its length at the size the model was exported for, and whether it follows the input size."""

    length: int
    free: bool = False


@dataclass(frozen=True)
class Value:
    """A tensor as TensorFlow sees it, held by the ONNX tensor ``name``.

    ``shape`` is in TensorFlow's order; axis ``i`` of it is axis ``layout[i]`` of the ONNX tensor.
    """

    name: str
    shape: tuple[Dim, ...]
    layout: tuple[int, ...]

    def transposed(self, order: Sequence[int]) -> Value:
        """Return the same tensor with its axes in another order; nothing is computed."""
        return Value(
            self.name, tuple(self.shape[axis] for axis in order), tuple(self.layout[axis] for axis in order)
        )


def plain(rank: int) -> tuple[int, ...]:
    """Return the layout of a tensor that lies as TensorFlow sees it."""
    return tuple(range(rank))


class Builder:
    """The ONNX graph so far."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._moved: dict[tuple[str, tuple[int, ...]], str] = {}

    def input(self, name: str, shape: tuple[Dim, ...], names: Sequence[str]) -> Value:
        """Declare a float32 input; free axes get their entry of ``names`` instead of a length."""
        declared = [names[i] if dim.free else dim.length for i, dim in enumerate(shape)]
        self._inputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, declared))
        return Value(name, shape, plain(len(shape)))

    def constant(self, name: str, array: Array) -> str:
        """Store ``array`` under ``name`` and return the name."""
        array = np.ascontiguousarray(array)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._initializers.append(helper.make_tensor(name, kind, array.shape, array.tobytes(), raw=True))
        return name

    def emit(
        self,
        op: str,
        name: str,
        inputs: Sequence[str],
        outputs: int = 1,
        **attributes: Any,  # noqa: ANN401 - whatever the operation takes
    ) -> list[str]:
        """Append a node and return the names of its ``outputs`` tensors."""
        names = [name] if outputs == 1 else [f"{name}:{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(op, list(inputs), names, name=name, **attributes))
        return names

    def tensor(self, value: Value, layout: tuple[int, ...] | None = None) -> str:
        """Return the name of an ONNX tensor holding ``value`` in ``layout`` (default: as TensorFlow does)."""
        wanted = plain(len(value.shape)) if layout is None else layout
        if value.layout == wanted:
            return value.name
        axes = [0] * len(wanted)
        for axis, place in enumerate(wanted):
            axes[place] = value.layout[axis]
        key = (value.name, tuple(axes))
        if key not in self._moved:
            name = f"{value.name}/as_{''.join(map(str, axes))}"
            self._moved[key] = self.emit("Transpose", name, [value.name], perm=axes)[0]
        return self._moved[key]

    def laid_out(self, array: Array, layout: tuple[int, ...]) -> Array:
        """Return a constant of TensorFlow's axis order as it broadcasts against a tensor in ``layout``."""
        if array.ndim > len(layout):
            raise ModelError(f"a constant of rank {array.ndim} meets a tensor of rank {len(layout)}")
        padded = array.reshape((1,) * (len(layout) - array.ndim) + array.shape)
        return padded.transpose([layout.index(place) for place in range(len(layout))])

    def finish(self, name: str, outputs: Sequence[tuple[str, Value]]) -> bytes:
        """Close the graph: return a checked ONNX model whose bytes depend on nothing but its content."""
        declared = []
        for output, value in outputs:
            self.emit("Identity", output, [self.tensor(value)])
            shape = [f"{output}_{i}" if dim.free else dim.length for i, dim in enumerate(value.shape)]
            declared.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, shape))
        graph = helper.make_graph(self._nodes, name, self._inputs, declared, self._initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="lianfang",
        )
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


@dataclass
class Context:
    """What is known while the graph is walked: values computed at run time, and constants."""

    builder: Builder
    constants: dict[str, Array]
    values: dict[str, Value] = field(default_factory=dict)

    def value(self, node: Node, index: int) -> Value:
        """Return the ``index``-th input of ``node``, which must be computed at run time."""
        try:
            return self.values[node.inputs[index]]
        except (KeyError, IndexError):
            raise ModelError(f"{node.name}: input {index} of {node.op} must not be a constant") from None

    def constant(self, node: Node, index: int) -> Array:
        """Return the ``index``-th input of ``node``, which must be known now."""
        try:
            return self.constants[node.inputs[index]]
        except (KeyError, IndexError):
            raise ModelError(f"{node.name}: input {index} of {node.op} must be a constant") from None


Operation = Callable[[Context, Node], list[Value]]
