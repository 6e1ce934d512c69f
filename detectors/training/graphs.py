"""The ONNX file of the head locator: 16-bit weights, and the least score of a head."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from detectors.helmets.locator import CELLS, INPUT, OUTPUT, SQUARE_PX
from detectors.training.network import LOCATOR, Arrays, Shape


def locator_to_onnx(arrays: Arrays, min_score: float) -> bytes:
    """Return the ONNX file of a head locator: squares in, a map (N, 4, cells, cells) out."""
    kernels = {**arrays, "head.weight": arrays["head.weight"][:, :, None, None]}
    constants, nodes = [], []
    for key, array in kernels.items():
        constants.append(numpy_helper.from_array(array.astype(np.float16), f"{key}.f16"))
        nodes.append(helper.make_node("Cast", [f"{key}.f16"], [key], to=TensorProto.FLOAT))
    convolutions, x = _convolutions(LOCATOR, INPUT)
    nodes += [*convolutions, helper.make_node("Conv", [x, "head.weight", "head.bias"], [OUTPUT])]
    squares = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, SQUARE_PX, SQUARE_PX])
    maps = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", LOCATOR.scores, CELLS, CELLS])
    graph = helper.make_graph(nodes, "helmet-locator", [squares], [maps], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"min_score": str(min_score)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _convolutions(shape: Shape, x: str) -> tuple[list[NodeProto], str]:
    nodes = []
    for i, layer in enumerate(shape.layers):
        given, conv = [x, f"{i}.weight", f"{i}.bias"], f"{i}.conv"
        pads, strides, dilations = [layer.dilation] * 4, [layer.stride] * 2, [layer.dilation] * 2
        nodes.append(helper.make_node("Conv", given, [conv], pads=pads, strides=strides, dilations=dilations))
        nodes.append(helper.make_node("Relu", [conv], [f"{i}.relu"]))
        if layer.stride == 1:
            nodes.append(helper.make_node("Add", [x, f"{i}.relu"], [f"{i}.sum"]))
        x = f"{i}.sum" if layer.stride == 1 else f"{i}.relu"
    return nodes, x
