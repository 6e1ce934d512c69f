"""Turns a TensorFlow.js graph model of a fixed input size into an ONNX model of any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from detectors.models.tfjs import elementwise, shapes, spatial
from detectors.models.tfjs.builder import Builder, Context, Dim, Operation, Value
from detectors.models.tfjs.graph import Array, Graph, Node, read_graph
from lianfang.errors import ModelError

OPERATIONS: dict[str, Operation] = elementwise.OPERATIONS | shapes.OPERATIONS | spatial.OPERATIONS

# Computed while converting when every input is a constant.
FOLDS: dict[str, Callable[..., Array]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Mul": np.multiply,
    "SparseToDense": shapes.sparse_to_dense,
}


def convert(name: str, model_json: bytes, weights: bytes, free_axes: Mapping[int, str]) -> bytes:
    """Return the ONNX model of a TensorFlow.js graph model.

    ``free_axes`` names the axes of the input that may have any length (multiples of the model's largest
    stride), e.g. ``{2: "height", 3: "width"}``; every reshape and resize that depends on them is rewritten.
    The same input gives the same bytes. Raises ModelError naming the operation that is unknown, or the
    node whose size cannot follow the input's.
    """
    graph = read_graph(model_json, weights)
    context = Context(Builder(), dict(graph.constants))
    for node in graph.nodes:
        if node.op == "Const":
            if node.name not in context.constants:
                raise ModelError(f"{node.name}: constant without a value")
        elif node.op == "Placeholder":
            context.values[node.name] = _input(context.builder, node, free_axes)
        else:
            _convert_node(context, node)
    return context.builder.finish(
        name, [(output, _output(graph, context, output)) for output in graph.outputs]
    )


def _input(builder: Builder, node: Node, free_axes: Mapping[int, str]) -> Value:
    lengths: Sequence[int] = node.attributes["shape"]
    if any(axis >= len(lengths) for axis in free_axes):
        raise ModelError(f"{node.name}: has {len(lengths)} axes, too few for {dict(free_axes)}")
    shape = tuple(Dim(length, axis in free_axes) for axis, length in enumerate(lengths))
    return builder.input(node.name, shape, [free_axes.get(axis, "") for axis in range(len(lengths))])


def _convert_node(context: Context, node: Node) -> None:
    missing = [i for i in node.inputs if i not in context.values and i not in context.constants]
    if missing:
        raise ModelError(f"{node.name}: reads {missing[0]}, which nothing writes")
    if all(i in context.constants for i in node.inputs) and node.op in FOLDS:
        arrays: list[Array] = [context.constants[i] for i in node.inputs]
        context.constants[node.name] = FOLDS[node.op](*arrays)
        return
    if node.op not in OPERATIONS:
        raise ModelError(f"{node.name}: operation {node.op} is not supported; known: {', '.join(OPERATIONS)}")
    for number, value in enumerate(OPERATIONS[node.op](context, node)):
        context.values[node.name if number == 0 else f"{node.name}:{number}"] = value


def _output(graph: Graph, context: Context, name: str) -> Value:
    if name not in context.values:
        raise ModelError(f"output {name} is a constant or missing; outputs: {', '.join(graph.outputs)}")
    return context.values[name]
