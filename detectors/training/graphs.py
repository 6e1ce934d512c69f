"""The ONNX file of the head locator: an object model's first stage, what was trained on it, in 16 bits."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from detectors.helmets.locator import CELLS, INPUT, OUTPUT, SQUARE_PX
from detectors.training.network import LOCATOR, Arrays, Shape
from detectors.training.stem import LAYER, Stem


def locator_to_onnx(stem: Stem, arrays: Arrays, min_score: float) -> bytes:
    """Return the ONNX file of a head locator: squares in, a map (N, 4, cells, cells) out."""
    kernels = {**arrays, "head.weight": arrays["head.weight"][:, :, None, None]}
    nodes, constants = stem.embedded(INPUT)
    for key, array in kernels.items():
        constants.append(numpy_helper.from_array(array.astype(np.float16), f"{key}.f16"))
        nodes.append(helper.make_node("Cast", [f"{key}.f16"], [key], to=TensorProto.FLOAT))
    convolutions, x = _convolutions(LOCATOR, LAYER)
    nodes += [*convolutions, helper.make_node("Conv", [x, "head.weight", "head.bias"], [OUTPUT])]
    squares = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, SQUARE_PX, SQUARE_PX])
    maps = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", LOCATOR.scores, CELLS, CELLS])
    graph = helper.make_graph(nodes, "helmet-locator", [squares], [maps], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", stem.opset)], ir_version=8)
    helper.set_model_props(model, {"min_score": str(min_score)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _convolutions(shape: Shape, x: str) -> tuple[list[NodeProto], str]:
    nodes = []
    for i, layer in enumerate(shape.layers):
        given, conv = [x, f"{i}.weight", f"{i}.bias"], f"{i}.conv"
        pads, dilations = [layer.padding] * 4, [layer.dilation] * 2
        nodes.append(helper.make_node("Conv", given, [conv], pads=pads, dilations=dilations))
        nodes.append(helper.make_node("Relu", [conv], [f"{i}.relu"]))
        if layer.adds:
            nodes.append(helper.make_node("Add", [x, f"{i}.relu"], [f"{i}.sum"]))
        x = f"{i}.sum" if layer.adds else f"{i}.relu"
    return nodes, x
