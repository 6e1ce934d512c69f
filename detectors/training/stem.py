"""The part of the object model that both networks see with: what it learned on COCO, unchanged.

On the 236 heads of the training set, features of it found heads and told bare ones better than networks of
our own did (docs/models/helmet.md): too few heads are at hand to learn to see from.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from detectors.helmets.classifier import FEATURES, INPUT, OUTPUT
from detectors.helmets.heads import CROP_PX
from detectors.helmets.votes import Thresholds
from detectors.models.nanodet import MEAN_BGR, STD_BGR
from detectors.models.sessions import open_session
from lianfang.errors import ModelError

LAYER = "PartitionedCall/onnx_tf_prefix_Concat_27"  # of nanodet-g: 128 planes, a cell for 8 pixels
PLANES, STRIDE = 128, 8
PARTS = 3  # rows and columns of the crop whose means are the features
COUNT = PLANES * PARTS * PARTS
_WEIGHT, _BIAS, _HALF = "bare.weight", "bare.bias", ".f16"


@dataclass(frozen=True)
class Linear:
    """The score of a head, before the sigmoid: ``weight`` (1152,) times its features, and ``bias``."""

    weight: NDArray[np.float32]
    bias: float


@dataclass(frozen=True)
class Stem:
    """Nodes and constants that give `LAYER` of a picture."""

    nodes: tuple[NodeProto, ...]
    constants: tuple[TensorProto, ...]
    picture: str
    opset: int

    @classmethod
    def of_nanodet(cls, path: Path) -> Stem:
        """Cut it out of the model at ``path``; ModelError where that has no such layer."""
        model = onnx.load(path)
        needed, nodes = {LAYER}, []
        for node in reversed(model.graph.node):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(node.input)
        if not nodes:
            raise ModelError(f"{path}: no layer {LAYER}: want nanodet-g as lianfang models install makes it")
        constants = tuple(one for one in model.graph.initializer if one.name in needed)
        opset = max(one.version for one in model.opset_import if one.domain == "")
        return cls(tuple(reversed(nodes)), constants, model.graph.input[0].name, opset)

    def embedded(self, given: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """Return nodes that make `LAYER` of ``given``, pictures as `as_input` gives them, and constants.

        Weights are kept in 16 bits.
        """
        scale = (127.5 / STD_BGR)[:, None, None].astype(np.float32)
        shift = ((127.5 - MEAN_BGR) / STD_BGR)[:, None, None].astype(np.float32)
        constants = [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(shift, "shift")]
        nodes = [
            helper.make_node("Mul", [given, "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "shift"], [self.picture]),
        ]
        for constant in self.constants:
            array = numpy_helper.to_array(constant)
            if array.dtype == np.float32 and array.size > PLANES:
                constants.append(numpy_helper.from_array(array.astype(np.float16), constant.name + _HALF))
                half = helper.make_node(
                    "Cast", [constant.name + _HALF], [constant.name], to=TensorProto.FLOAT
                )
                nodes.insert(0, half)
            else:
                constants.append(constant)
        return [*nodes, *self.nodes], constants

    def session(self) -> InferenceSession:
        """Return it alone, ready to run: `LAYER` (N, 128, H/8, W/8) of ``INPUT``."""
        nodes, constants = self.embedded(INPUT)
        pictures = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, "height", "width"])
        layer = helper.make_tensor_value_info(LAYER, TensorProto.FLOAT, ["n", PLANES, "rows", "columns"])
        graph = helper.make_graph(nodes, "stem", [pictures], [layer], constants)
        opset = helper.make_opsetid("", self.opset)
        return open_session(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())


def to_onnx(stem: Stem, linear: Linear, thresholds: Thresholds) -> bytes:
    """Return the ONNX file of a head classifier: crops in, probability of being bare and features out."""
    nodes, constants = stem.embedded(INPUT)
    own = {_WEIGHT: linear.weight[None], _BIAS: np.array([linear.bias])}
    constants += [numpy_helper.from_array(array.astype(np.float32), name) for name, array in own.items()]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    side = CROP_PX // STRIDE // PARTS
    nodes += [
        helper.make_node("AveragePool", [LAYER], ["parts"], kernel_shape=[side] * 2, strides=[side] * 2),
        helper.make_node("Flatten", ["parts"], [FEATURES]),
        helper.make_node("Gemm", [FEATURES, _WEIGHT, _BIAS], ["score"], transB=1),
        helper.make_node("Sigmoid", ["score"], ["share"]),
        helper.make_node("Squeeze", ["share", "axis"], [OUTPUT]),
    ]
    crops = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, CROP_PX, CROP_PX])
    bare = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n"])
    features = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["n", COUNT])
    graph = helper.make_graph(nodes, "helmet-head", [crops], [bare, features], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", stem.opset)], ir_version=8)
    told = {"bare_from": str(thresholds.bare_from), "worn_to": str(thresholds.worn_to)}
    helper.set_model_props(model, told)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def linear_of(content: bytes) -> Linear:
    """Return the score in a file that `to_onnx` wrote; ModelError where it is another."""
    held = {one.name: numpy_helper.to_array(one) for one in onnx.load(io.BytesIO(content)).graph.initializer}
    if not {_WEIGHT, _BIAS} <= set(held):
        raise ModelError("these weights are not of the head classifier's network: train from --data instead")
    return Linear(held[_WEIGHT][0], float(held[_BIAS][0]))


def with_linear(content: bytes, linear: Linear) -> bytes:
    """Return a file that `to_onnx` wrote with another score in it."""
    model = onnx.load(io.BytesIO(content))
    new = {_WEIGHT: linear.weight[None], _BIAS: np.array([linear.bias])}
    for one in model.graph.initializer:
        if one.name in new:
            one.CopyFrom(numpy_helper.from_array(new[one.name].astype(np.float32), one.name))
    return bytes(model.SerializeToString())
