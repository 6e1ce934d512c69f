"""Leaves out of a recogniser's graph what is computed for nothing, with the same results.

PP-OCRv4 scores 6,625 characters at each step, of which plates have 72. And most of what clp-rec sees is the
empty margin at a line's right, where its convolutions compute one column over and over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper, shape_inference

from lianfang.errors import ModelError


def only(model: ModelProto, classes: Sequence[int]) -> ModelProto:
    """Return ``model`` with the probabilities of ``classes`` alone, which add up to 1 at each step.

    ModelError where it does not end with a softmax over ``x · weights + offsets``.
    """
    new = ModelProto()
    new.CopyFrom(model)
    graph = new.graph
    makers = {name: node for node in graph.node for name in node.output}
    last = makers[graph.output[0].name]
    while last.op_type == "Identity":
        last = makers[last.input[0]]
    add = makers.get(last.input[0]) if last.op_type == "Softmax" else None
    product = makers.get(add.input[0]) if add is not None and add.op_type == "Add" else None
    if add is None or product is None or product.op_type != "MatMul":
        raise ModelError(
            "its last layer is none of a recogniser: want a softmax over a matrix product and offsets"
        )
    nodes: list[NodeProto] = []
    for node in new.graph.node:
        if node is product or node is add:
            nodes += _given(node, 1, "Gather", np.array(classes, np.int64), axis=-1)
        nodes.append(node)
    del new.graph.node[:]
    new.graph.node.extend(nodes)
    return new


def as_if_wider(model: ModelProto, shape: tuple[int, int], wide: int, still_px: int) -> ModelProto:
    """Return a model that sees lines of ``shape`` (height, width) as if zeros made them ``wide`` pixels.

    Every column of a layer that is ``still_px`` pixels from the right edge must lie in the margin with all
    that it sees: that one is counted as often as is missing, in each mean over the picture and in what the
    first LSTM is given.
    """
    new = ModelProto()
    new.CopyFrom(model)
    height, width = shape
    dims = new.graph.input[0].type.tensor_type.shape.dim
    for dim, size in zip(dims, (1, 3, height, width), strict=True):
        dim.dim_value = size
    inferred = shape_inference.infer_shapes(new).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in inferred.value_info}
    first_lstm = next(node for node in new.graph.node if node.op_type == "LSTM")
    nodes: list[NodeProto] = []
    for node in new.graph.node:
        if node.op_type == "GlobalAveragePool":
            counts = _counts(shapes[node.input[0]][3].dim_value, width, wide, still_px)
            share = (counts * len(counts) / counts.sum()).astype(np.float32)
            nodes += _given(node, 0, "Mul", share[None, None, None])
        elif node is first_lstm:
            counts = _counts(shapes[node.input[0]][0].dim_value, width, wide, still_px)
            nodes += _given(node, 0, "Gather", np.repeat(np.arange(len(counts)), counts), axis=0)
        nodes.append(node)
    del new.graph.node[:]
    new.graph.node.extend(nodes)
    return new


def _counts(columns: int, width: int, wide: int, still_px: int) -> NDArray[np.int64]:
    """Return how often each of a layer's columns counts."""
    counts = np.ones(columns, np.int64)
    counts[columns - 1 - still_px * columns // width] += columns * wide // width - columns
    return counts


def _given(
    node: NodeProto, nth: int, operation: str, second: NDArray[Any], axis: int | None = None
) -> tuple[NodeProto, NodeProto]:
    """Return what does ``operation`` to an input of ``node``, and have it use that."""
    x = node.input[nth]
    made, constant = f"{x}/{operation}", f"{x}/{operation}/second"
    node.input[nth] = made
    value = helper.make_node("Constant", [], [constant], value=numpy_helper.from_array(second))
    return value, helper.make_node(operation, [x, constant], [made], axis=axis)
