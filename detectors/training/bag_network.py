"""The network of the bag head: its arithmetic in torch, and its ONNX file.

The three stages of the backbone are brought to one size and added; residual layers of 3 x 3 (He et al. 2015,
arXiv 1512.03385) follow, then a logit and four distances per cell, as FCOS has them (Tian et al. 2019,
arXiv 1904.01355).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detectors.garbage.bags import OUTPUT, STAGES, Thresholds
from detectors.training.network import torch

STAGE_CHANNELS = {"f8": 128, "f16": 256, "f32": 512}
CHANNELS = 96
BLOCKS = 2
DROPPED = 0.1  # of the backbone's channels, in training
_RARE, _FAR = -4.0, 0.7  # biases to begin with: hardly any cell is a bag, and its sides are two strides away

Arrays = dict[str, NDArray[np.float32]]


class BagNetwork:
    """Weights in training; ``modules`` is a torch ModuleDict."""

    def __init__(self) -> None:
        """Begin with random weights; seed torch before."""
        nn = torch().nn
        joints = {
            "f8": nn.Conv2d(STAGE_CHANNELS["f8"], CHANNELS, 3, 2, 1, bias=False),
            "f16": nn.Conv2d(STAGE_CHANNELS["f16"], CHANNELS, 1, bias=False),
            "f32": nn.Conv2d(STAGE_CHANNELS["f32"], CHANNELS, 1, bias=False),
        }
        layers = {"joined": nn.BatchNorm2d(CHANNELS)}
        for i in range(2 * BLOCKS):
            layers[f"conv{i}"] = nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1, bias=False)
            layers[f"norm{i}"] = nn.BatchNorm2d(CHANNELS)
        last = nn.Conv2d(CHANNELS, 5, 1)
        last.weight.data *= 0.1
        last.bias.data[0], last.bias.data[1:] = _RARE, _FAR
        self.modules: Any = nn.ModuleDict({**joints, **layers, "last": last, "drop": nn.Dropout2d(DROPPED)})

    def cells(self, features: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's tensors
        """Return (N, 5, H/16, W/16) of the backbone's stages, as `detectors.garbage.bags.decode` reads it."""
        modules, functional = self.modules, torch().nn.functional
        f8, f16, f32 = (modules[name](modules["drop"](features[name])) for name in STAGES)
        f32 = functional.interpolate(f32, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = functional.relu(modules["joined"](f8 + f16 + f32))
        for i in range(0, 2 * BLOCKS, 2):
            y = functional.relu(modules[f"norm{i}"](modules[f"conv{i}"](x)))
            x = functional.relu(x + modules[f"norm{i + 1}"](modules[f"conv{i + 1}"](y)))
        return modules["last"](x)

    def arrays(self) -> Arrays:
        """Return the weights with the normalisation folded into the convolutions."""
        state = {name: np.asarray(t.detach().numpy()) for name, t in self.modules.state_dict().items()}
        scale, shift = _folded(state, "joined")
        folded = {f"{name}.weight": state[f"{name}.weight"] * scale for name in STAGES}
        folded["joined.bias"] = shift[None, :, None, None]
        for i in range(2 * BLOCKS):
            scale, shift = _folded(state, f"norm{i}")
            folded |= {f"conv{i}.weight": state[f"conv{i}.weight"] * scale, f"conv{i}.bias": shift}
        folded |= {f"last.{part}": state[f"last.{part}"] for part in ("weight", "bias")}
        return {name: np.asarray(array, np.float32) for name, array in folded.items()}


def _folded(state: dict[str, Any], norm: str) -> tuple[Any, Any]:
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
    return scale[:, None, None, None], state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale


def to_onnx(arrays: Arrays, thresholds: Thresholds, backbone_sha256: str) -> bytes:
    """Return the ONNX file of ``arrays``: 16-bit weights, the backbone's stages in, cells out."""
    constants = [numpy_helper.from_array(a.astype(np.float16), f"{name}.f16") for name, a in arrays.items()]
    nodes = [helper.make_node("Cast", [f"{n}.f16"], [n], to=TensorProto.FLOAT) for n in arrays]
    constants.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))

    def conv(given: list[str], made: str, stride: int = 1, pad: int = 1) -> None:
        nodes.append(helper.make_node("Conv", given, [made], strides=[stride] * 2, pads=[pad] * 4))

    def simple(kind: str, given: list[str], made: str) -> str:
        nodes.append(helper.make_node(kind, given, [made]))
        return made

    conv(["f8", "f8.weight"], "f8.joint", stride=2)
    conv(["f16", "f16.weight"], "f16.joint", pad=0)
    conv(["f32", "f32.weight"], "f32.small", pad=0)
    nodes.append(helper.make_node("Resize", ["f32.small", "", "twice"], ["f32.joint"], mode="linear"))
    simple("Sum", ["f8.joint", "f16.joint", "f32.joint", "joined.bias"], "joined")
    x = simple("Relu", ["joined"], "x")
    for i in range(0, 2 * BLOCKS, 2):
        conv([x, f"conv{i}.weight", f"conv{i}.bias"], f"{i}.a")
        simple("Relu", [f"{i}.a"], f"{i}.b")
        conv([f"{i}.b", f"conv{i + 1}.weight", f"conv{i + 1}.bias"], f"{i}.c")
        simple("Add", [x, f"{i}.c"], f"{i}.d")
        x = simple("Relu", [f"{i}.d"], f"{i}.x")
    conv([x, "last.weight", "last.bias"], OUTPUT, pad=0)
    return _file(nodes, constants, thresholds, backbone_sha256)


def _file(nodes: list[Any], constants: list[Any], thresholds: Thresholds, backbone_sha256: str) -> bytes:
    value = helper.make_tensor_value_info
    inputs = [
        value(name, TensorProto.FLOAT, ["n", channels, f"{name}_h", f"{name}_w"])
        for name, channels in STAGE_CHANNELS.items()
    ]
    outputs = [value(OUTPUT, TensorProto.FLOAT, ["n", 5, "f16_h", "f16_w"])]
    graph = helper.make_graph(nodes, "bag-head", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {"bag_from": str(thresholds.bag_from), "other_to": str(thresholds.other_to)}
    helper.set_model_props(model, {**told, "backbone": backbone_sha256})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
