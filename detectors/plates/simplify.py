"""Writes a network's graph anew so that onnxruntime runs it faster, with the same results.

The recognisers' exports spell out two things in a way for which onnxruntime leaves, each time, the layout in
which its convolutions work: hard swish, ``x · clip(x + 3, 0, 6) / 6``, and a line, ``a · x + b``. With
HardSigmoid and BatchNormalization it stays in that layout, and most lines become part of a convolution.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper, shape_inference

_NOTHING = ("", 0.0)


def simplified(model: ModelProto) -> ModelProto:
    """Return ``model`` with its hard swishes and lines in the faster form; the rest of it stays."""
    new = ModelProto()
    new.CopyFrom(model)
    graph = _Graph(new)
    nodes = [one for node in new.graph.node for one in graph.faster(node)]
    needed = {output.name for output in new.graph.output}
    kept: list[NodeProto] = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del new.graph.node[:]
    new.graph.node.extend(reversed(kept))
    return new


class _Graph:
    """What a model's values are: made by which node, one number, or a picture with how many channels."""

    def __init__(self, model: ModelProto) -> None:
        graph = shape_inference.infer_shapes(model).graph
        self._makers = {name: node for node in graph.node for name in node.output}
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        tensors |= {n.output[0]: n.attribute[0].t for n in graph.node if n.op_type == "Constant"}
        values = ((name, numpy_helper.to_array(tensor)) for name, tensor in tensors.items())
        self._numbers = {name: float(value.item()) for name, value in values if value.size == 1}
        shapes = ((value.name, value.type.tensor_type.shape.dim) for value in graph.value_info)
        self._channels = {name: dims[1].dim_value for name, dims in shapes if len(dims) == 4}

    def faster(self, node: NodeProto) -> Iterator[NodeProto]:
        """Yield what computes the same as ``node``, the last one of a hard swish or of a line, or itself."""
        y = node.output[0]
        if (x := self._swished(node)) is not None:
            yield helper.make_node("HardSigmoid", [x], [f"{y}/gate"], alpha=1 / 6, beta=0.5)
            yield helper.make_node("Mul", [x, f"{y}/gate"], [y])
        elif (line := self._line(node)) is not None:
            x, slope, offset = line
            parts = {"slope": slope, "offset": offset, "mean": 0.0, "variance": 1.0}
            for name, number in parts.items():
                every = numpy_helper.from_array(np.full(self._channels[x], number, np.float32))
                yield helper.make_node("Constant", [], [f"{y}/{name}"], value=every)
            yield helper.make_node("BatchNormalization", [x, *(f"{y}/{n}" for n in parts)], [y], epsilon=0.0)
        else:
            yield node

    def _swished(self, node: NodeProto) -> str | None:
        """Return x where ``node`` is the last one of x · clip(x + 3, 0, 6) / 6."""
        product, divisor = self._with_number(node, "Div")
        times = self._makers.get(product)
        if times is None or times.op_type != "Mul" or divisor != 6:
            return None
        for x, gate in (tuple(times.input), tuple(times.input)[::-1]):
            clip = self._makers.get(gate)
            if clip is None or self._bounds(clip) != (0, 6):
                continue
            if self._with_number(self._makers.get(clip.input[0]), "Add") == (x, 3):
                return str(x)
        return None

    def _line(self, node: NodeProto) -> tuple[str, float, float] | None:
        """Return x, a and b where ``node`` is the addition of a · x + b and x has channels."""
        product, offset = self._with_number(node, "Add")
        x, slope = self._with_number(self._makers.get(product), "Mul")
        return (x, slope, offset) if self._channels.get(x) else None

    def _bounds(self, clip: NodeProto) -> tuple[float, float] | None:
        """Return the bounds of a node: of a clip inputs, before opset 11 attributes; None of any other."""
        if clip.op_type != "Clip":
            return None
        inputs = (self._numbers.get(name) for name in clip.input[1:])
        low, high = inputs if len(clip.input) == 3 else (_attribute(clip, name) for name in ("min", "max"))
        return (low, high) if low is not None and high is not None else None

    def _with_number(self, node: NodeProto | None, operation: str) -> tuple[str, float]:
        """Return the value and the number of a node; no value where it is not ``operation`` with a number."""
        if node is None or node.op_type != operation:
            return _NOTHING
        value, number = node.input
        if operation != "Div" and number not in self._numbers:
            value, number = number, value
        return (value, self._numbers[number]) if number in self._numbers else _NOTHING


def _attribute(node: NodeProto, name: str) -> float | None:
    return next((attribute.f for attribute in node.attribute if attribute.name == name), None)
