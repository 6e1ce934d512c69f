"""Operations over neighbourhoods: convolutions, pooling, resizing, means. They run in NCHW."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.models.tfjs.builder import NCHW, Context, Dim, Operation, Value, plain
from detectors.models.tfjs.elementwise import activated
from detectors.models.tfjs.graph import Array, Node
from lianfang.errors import ModelError


def _convolution(context: Context, node: Node) -> list[Value]:
    """Plain and fused Conv2D: filters come as height, width, in, out."""
    filters = context.constant(node, 1)
    return [_convolved(context, node, filters.transpose(3, 2, 0, 1), group=1)]


def _depthwise(context: Context, node: Node) -> list[Value]:
    """Plain and fused depthwise Conv2D: filters come as height, width, in, multiplier."""
    filters = context.constant(node, 1)
    height, width, channels, multiplier = filters.shape
    turned = filters.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return [_convolved(context, node, turned, group=channels)]


def _convolved(context: Context, node: Node, filters: Array, group: int) -> Value:
    builder = context.builder
    value = context.value(node, 0)
    kernel = (filters.shape[2], filters.shape[3])
    window, shape = _window(node, value, kernel)
    inputs = [builder.tensor(value, NCHW), builder.constant(f"{node.name}/filters", filters)]
    fused: list[str] = node.attributes.get("fused_ops", [])
    if fused[:1] == ["BiasAdd"]:
        inputs.append(builder.constant(f"{node.name}/bias", context.constant(node, 2).reshape(-1)))
        fused = fused[1:]
    name = node.name if not fused else f"{node.name}/convolved"
    builder.emit("Conv", name, inputs, group=group, **window)
    output = Value(name, (*shape, Dim(filters.shape[0])), NCHW)
    alpha = float(node.attributes.get("leakyrelu_alpha", 0.2))
    for number, function in enumerate(fused, start=1):
        name = node.name if number == len(fused) else f"{node.name}/{function}"
        output = activated(builder, function, name, output, alpha)
    return output


def _max_pool(context: Context, node: Node) -> list[Value]:
    value = context.value(node, 0)
    _, *kernel, _ = node.attributes["ksize"]
    window, shape = _window(node, value, (kernel[0], kernel[1]))
    context.builder.emit("MaxPool", node.name, [context.builder.tensor(value, NCHW)], **window)
    return [Value(node.name, (*shape, value.shape[3]), NCHW)]


def _window(node: Node, value: Value, kernel: tuple[int, int]) -> tuple[dict[str, Any], tuple[Dim, ...]]:
    """Return the ONNX attributes of a sliding window and the batch, height and width that come out of it."""
    if node.attributes.get("data_format", "NHWC") != "NHWC" or len(value.shape) != 4:
        raise ModelError(f"{node.name}: {node.op} is supported in NHWC only")
    strides = node.attributes["strides"][1:3]
    dilations = (node.attributes.get("dilations") or [1, 1, 1, 1])[1:3]
    reaches = [(length - 1) * dilation + 1 for length, dilation in zip(kernel, dilations, strict=True)]
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    pads = _pads(node, reaches)
    if pads is None:
        # How much is padded depends on the size; the result is always the ceiling of size / stride.
        attributes["auto_pad"] = "SAME_UPPER"
        lengths = [-(-dim.length // stride) for dim, stride in zip(value.shape[1:3], strides, strict=True)]
    else:
        (top, bottom), (left, right) = pads
        if any((top, bottom, left, right)):
            attributes["pads"] = [top, left, bottom, right]
        lengths = [
            (dim.length + sum(pad) - reach) // stride + 1
            for dim, pad, reach, stride in zip(value.shape[1:3], pads, reaches, strides, strict=True)
        ]
    sizes = [Dim(length, dim.free) for length, dim in zip(lengths, value.shape[1:3], strict=True)]
    return attributes, (value.shape[0], *sizes)


def _pads(node: Node, reaches: list[int]) -> list[tuple[int, int]] | None:
    """Return what is added before and after each side, None where that depends on the input size."""
    match node.attributes["padding"]:
        case "VALID":
            return [(0, 0), (0, 0)]
        case "EXPLICIT":
            _, _, top, bottom, left, right, _, _ = node.attributes["explicit_paddings"]
            return [(top, bottom), (left, right)]
        case "SAME" if node.attributes["strides"][1:3] == [1, 1]:
            return [((reach - 1) // 2, reach // 2) for reach in reaches]
        case "SAME" if node.attributes.get("dilations", [1, 1, 1, 1]) == [1, 1, 1, 1]:
            return None
        case "SAME":
            raise ModelError(f"{node.name}: strides and dilations together are not supported")
    raise ModelError(f"{node.name}: padding {node.attributes['padding']} is not supported")


def _resize_bilinear(context: Context, node: Node) -> list[Value]:
    """Resize to a fixed size, written as the scale that it is at the exported input size."""
    value = context.value(node, 0)
    lengths = [int(length) for length in context.constant(node, 1)]
    builder = context.builder
    scales = [length / dim.length for length, dim in zip(lengths, value.shape[1:3], strict=True)]
    if any(dim.free and max(s, 1 / s) % 1 for s, dim in zip(scales, value.shape[1:3], strict=True)):
        raise ModelError(f"{node.name}: a resize by {scales} cannot follow the input size")
    if node.attributes.get("align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if node.attributes.get("half_pixel_centers") else "asymmetric"
    scale = builder.constant(f"{node.name}/scales", np.array([1, 1, *scales], np.float32))
    inputs = [builder.tensor(value, NCHW), "", scale]
    builder.emit("Resize", node.name, inputs, mode="linear", coordinate_transformation_mode=mode)
    sizes = [Dim(length, dim.free) for length, dim in zip(lengths, value.shape[1:3], strict=True)]
    return [Value(node.name, (value.shape[0], *sizes, value.shape[3]), NCHW)]


def _mean(context: Context, node: Node) -> list[Value]:
    value = context.value(node, 0)
    rank = len(value.shape)
    axes = sorted(int(axis) % rank for axis in np.atleast_1d(context.constant(node, 1)))
    keep = bool(node.attributes.get("keep_dims", False))
    tensor = context.builder.tensor(value)
    context.builder.emit("ReduceMean", node.name, [tensor], axes=axes, keepdims=int(keep))
    reduced = [Dim(1) if axis in axes else dim for axis, dim in enumerate(value.shape)]
    shape = tuple(dim for axis, dim in enumerate(reduced) if keep or axis not in axes)
    return [Value(node.name, shape, plain(len(shape)))]


OPERATIONS: dict[str, Operation] = {
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "FusedDepthwiseConv2dNative": _depthwise,
    "MaxPool": _max_pool,
    "Mean": _mean,
    "ResizeBilinear": _resize_bilinear,
    "_FusedConv2D": _convolution,
}
