"""Operations on each element: they work in any layout and keep it."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.models.tfjs.builder import Builder, Context, Dim, Operation, Value
from detectors.models.tfjs.graph import Node
from lianfang.errors import ModelError


def activated(builder: Builder, function: str, name: str, value: Value, alpha: float = 0.2) -> Value:
    """Append the activation ``function`` (as TensorFlow calls it) and return its output.

    ``alpha`` is the slope of LeakyRelu below zero; 0.2 is TensorFlow's default where the attribute is absent.
    """
    attributes: dict[str, Any] = {}
    inputs = [value.name]
    op = function
    match function:
        case "LeakyRelu":
            attributes["alpha"] = alpha
        case "Relu6":
            op = "Clip"
            inputs.append(builder.constant(f"{name}/low", np.array(0, np.float32)))
            inputs.append(builder.constant(f"{name}/high", np.array(6, np.float32)))
        case "Relu" | "Sigmoid":
            pass
        case _:
            raise ModelError(f"{name}: activation {function} is not supported")
    return Value(builder.emit(op, name, inputs, **attributes)[0], value.shape, value.layout)


def _activation(context: Context, node: Node) -> list[Value]:
    alpha = float(node.attributes.get("alpha", 0.2))
    return [activated(context.builder, node.op, node.name, context.value(node, 0), alpha)]


def _binary(op: str) -> Operation:
    """Two operands that broadcast; the second is brought into the layout of the first."""

    def operation(context: Context, node: Node) -> list[Value]:
        first, second = node.inputs
        if first in context.constants:  # Add and Mul commute
            first, second = second, first
        left = context.values[first]
        builder = context.builder
        if second in context.constants:
            array = builder.laid_out(context.constants[second].astype(np.float32), left.layout)
            other = builder.constant(f"{node.name}/constant", array)
            right_shape = tuple(Dim(array.shape[place]) for place in left.layout)
        else:
            right = context.values[second]
            if len(right.shape) != len(left.shape):
                raise ModelError(f"{node.name}: ranks {len(left.shape)} and {len(right.shape)} differ")
            other, right_shape = builder.tensor(right, left.layout), right.shape
        shape = tuple(b if a.length == 1 else a for a, b in zip(left.shape, right_shape, strict=True))
        return [Value(builder.emit(op, node.name, [left.name, other])[0], shape, left.layout)]

    return operation


def _identity(context: Context, node: Node) -> list[Value]:
    return [context.value(node, 0)]


OPERATIONS: dict[str, Operation] = {
    "Add": _binary("Add"),
    "AddV2": _binary("Add"),
    "Identity": _identity,
    "LeakyRelu": _activation,
    "Mul": _binary("Mul"),
    "Relu": _activation,
    "Relu6": _activation,
    "Sigmoid": _activation,
}
