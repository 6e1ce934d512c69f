"""Operations that move, cut or join data without computing: where a fixed input size hides in a graph."""

from __future__ import annotations

import numpy as np

from detectors.models.tfjs.builder import Context, Dim, Operation, Value, plain
from detectors.models.tfjs.graph import Array, Node
from lianfang.errors import ModelError


def _transpose(context: Context, node: Node) -> list[Value]:
    return [context.value(node, 0).transposed([int(axis) for axis in context.constant(node, 1)])]


def _reshape(context: Context, node: Node) -> list[Value]:
    value = context.value(node, 0)
    shape = reshaped(node.name, value.shape, [int(length) for length in context.constant(node, 1)])
    lengths = [-1 if dim.free else dim.length for dim in shape]
    name = context.builder.constant(f"{node.name}/shape", np.array(lengths, np.int64))
    (output,) = context.builder.emit("Reshape", node.name, [context.builder.tensor(value), name])
    return [Value(output, shape, plain(len(shape)))]


def reshaped(name: str, shape: tuple[Dim, ...], target: list[int]) -> tuple[Dim, ...]:
    """Return the axes of ``shape`` reshaped to ``target``, saying which of them follow the input size.

    Axes that keep their place at the front and at the back are set aside; where one of those left over is
    free, they must become one axis (52 x 52 cells become 2704), else ModelError.
    """
    total = int(np.prod([dim.length for dim in shape], dtype=np.int64))
    known = int(np.prod([length for length in target if length != -1], dtype=np.int64))
    lengths = [total // max(known, 1) if length == -1 else length for length in target]
    if int(np.prod(lengths, dtype=np.int64)) != total:
        raise ModelError(f"{name}: {[dim.length for dim in shape]} cannot become {target}")
    shortest = min(len(shape), len(lengths))
    front = 0
    while front < shortest and shape[front].length == lengths[front]:
        front += 1
    back = 0
    while back < shortest - front and shape[-1 - back].length == lengths[-1 - back]:
        back += 1
    free = any(dim.free for dim in shape[front : len(shape) - back])
    new = tuple(Dim(length, free) for length in lengths[front : len(lengths) - back])
    result = (*shape[:front], *new, *shape[len(shape) - back :])
    if sum(dim.free for dim in result) > 1:
        raise ModelError(f"{name}: two axes of the reshape to {target} would follow the input size")
    return result


def _concat(context: Context, node: Node) -> list[Value]:
    values = [context.value(node, index) for index in range(len(node.inputs) - 1)]
    axis = int(context.constant(node, len(values))) % len(values[0].shape)
    layout = values[0].layout
    names = [context.builder.tensor(value, layout) for value in values]
    (output,) = context.builder.emit("Concat", node.name, names, axis=layout[axis])
    joined = Dim(sum(v.shape[axis].length for v in values), any(v.shape[axis].free for v in values))
    return [Value(output, (*values[0].shape[:axis], joined, *values[0].shape[axis + 1 :]), layout)]


def _split(context: Context, node: Node) -> list[Value]:
    """``SplitV`` (value, sizes, axis)."""
    value = context.value(node, 0)
    axis = int(context.constant(node, 2)) % len(value.shape)
    sizes = [int(size) for size in context.constant(node, 1)]
    rest = value.shape[axis].length - sum(size for size in sizes if size != -1)
    return _parts(context, node, value, axis, [rest if size == -1 else size for size in sizes])


def _split_evenly(context: Context, node: Node) -> list[Value]:
    """``Split`` (axis, value) into ``num_split`` equal parts."""
    value = context.value(node, 1)
    axis = int(context.constant(node, 0)) % len(value.shape)
    count = int(node.attributes["num_split"])
    return _parts(context, node, value, axis, [value.shape[axis].length // count] * count)


def _parts(context: Context, node: Node, value: Value, axis: int, sizes: list[int]) -> list[Value]:
    if value.shape[axis].free or sum(sizes) != value.shape[axis].length:
        raise ModelError(f"{node.name}: axis {axis} ({value.shape[axis]}) cannot be split into {sizes}")
    name = context.builder.constant(f"{node.name}/sizes", np.array(sizes, np.int64))
    names = context.builder.emit(
        "Split", node.name, [value.name, name], outputs=len(sizes), axis=value.layout[axis]
    )
    shapes = [(*value.shape[:axis], Dim(size), *value.shape[axis + 1 :]) for size in sizes]
    return [Value(part, shape, value.layout) for part, shape in zip(names, shapes, strict=True)]


def _pad(context: Context, node: Node) -> list[Value]:
    """``Pad`` (value, [[before, after], ...]) with zeros, ``PadV2`` with its third input."""
    value = context.value(node, 0)
    pads = context.constant(node, 1).astype(np.int64)
    fill = np.float32(context.constant(node, 2)) if node.op == "PadV2" else np.float32(0)
    lying = pads[[value.layout.index(place) for place in range(len(value.layout))]]  # ONNX axis order
    builder = context.builder
    inputs = [
        value.name,
        builder.constant(f"{node.name}/pads", lying.T.reshape(-1)),
        builder.constant(f"{node.name}/fill", np.array(fill)),
    ]
    shape = tuple(Dim(d.length + int(p.sum()), d.free) for d, p in zip(value.shape, pads, strict=True))
    return [Value(builder.emit("Pad", node.name, inputs)[0], shape, value.layout)]


def sparse_to_dense(indices: Array, shape: Array, values: Array, default: Array) -> Array:
    """Return an array of ``shape`` full of ``default``, with ``values`` at ``indices`` (count, rank)."""
    dense = np.full([int(length) for length in np.atleast_1d(shape)], default)
    dense[tuple(np.atleast_2d(indices).T)] = values
    return dense


OPERATIONS: dict[str, Operation] = {
    "ConcatV2": _concat,
    "Pad": _pad,
    "PadV2": _pad,
    "Reshape": _reshape,
    "Split": _split_evenly,
    "SplitV": _split,
    "Transpose": _transpose,
}
