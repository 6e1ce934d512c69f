"""The converter from TensorFlow.js graph models to ONNX, without TensorFlow.js (that is in integration)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from detectors.models.tfjs import convert
from detectors.models.tfjs.builder import Dim
from detectors.models.tfjs.graph import read_graph
from detectors.models.tfjs.shapes import reshaped
from lianfang.errors import ModelError
from tests.unit.detectors.graphs import GraphFile

NCHW_FREE = {2: "height", 3: "width"}


def converted(graph: GraphFile, free_axes: dict[int, str] | None = None) -> bytes:
    return convert("test", graph.model_json(), graph.weights, NCHW_FREE if free_axes is None else free_axes)


def run(model: bytes, value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(None, {"input": value})
    return outputs


def detector(side: int = 64, shuffled: bool = False) -> GraphFile:
    """What a detector does with its size: NHWC inside, a pyramid, and cells that become one axis."""
    rng = np.random.default_rng(0)
    graph = GraphFile((1, 3, side, side))
    nhwc = graph.node("Transpose", "input", graph.integers([0, 2, 3, 1]))
    filters = graph.constant(rng.normal(size=(3, 3, 3, 8)), stored="float16")
    small = graph.node("Conv2D", nhwc, filters, strides=[1, 2, 2, 1], padding="SAME", data_format="NHWC")
    size = graph.integers([side, side])
    large = graph.node("ResizeBilinear", small, size, half_pixel_centers=True, align_corners=False)
    nchw = graph.node("Transpose", large, graph.integers([0, 3, 1, 2]))
    zeros = graph.node(
        "SparseToDense",
        graph.constant(np.zeros((0, 1)), "int32"),
        graph.integers([3]),
        graph.constant(np.zeros(0), "int32"),
        graph.integers(0),
    )
    target = graph.node("AddV2", graph.integers([1, 8, side * side]), zeros)
    cells = graph.node("Reshape", nchw, target)
    graph.output("scores", graph.node("Transpose", cells, graph.integers([0, 2, 1])))
    if shuffled:
        graph.nodes.reverse()
    return graph


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96), (128, 64)])
def test_a_graph_of_a_fixed_size_runs_at_any(height: int, width: int) -> None:
    value = np.random.default_rng(1).normal(size=(1, 3, height, width)).astype(np.float32)
    (scores,) = run(converted(detector()), value)
    assert scores.shape == (1, height * width, 8)
    if height == width:  # a model exported at this size says the same
        (same,) = run(converted(detector(side=height)), value)
        np.testing.assert_array_equal(scores, same)


def test_the_bytes_depend_on_the_graph_alone() -> None:
    assert converted(detector()) == converted(detector())
    model = onnx.load_from_string(converted(detector()))
    assert (model.ir_version, [o.version for o in model.opset_import]) == (8, [17])
    assert [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim] == [
        "",
        "",
        "height",
        "width",
    ]


def test_the_order_of_the_nodes_in_the_file_does_not_matter() -> None:
    value = np.random.default_rng(1).normal(size=(1, 3, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(
        run(converted(detector(shuffled=True)), value)[0], run(converted(detector()), value)[0]
    )


def test_transposes_that_cancel_are_not_written() -> None:
    """Of four there is one left: from channels first to channels last, at the end."""
    model = onnx.load_from_string(converted(detector()))
    operations = [node.op_type for node in model.graph.node]
    assert operations == ["Conv", "Resize", "Reshape", "Transpose", "Identity"]


@pytest.mark.parametrize(
    ("stored", "scale", "least", "kept", "expected"),
    [
        ("float32", 1, 0, [0.1, -2.5, 3e5], [0.1, -2.5, 3e5]),
        ("float16", 1, 0, [0.1, -2.5, 65504], [np.float16(0.1), -2.5, 65504]),
        ("uint8", 0.5, -1, [0, 3, 255], [-1, 0.5, 126.5]),
        ("uint16", 0.25, -8, [0, 3, 65535], [-8, -7.25, 16375.75]),
    ],
)
def test_weights_come_as_they_were_stored(
    stored: str, scale: float, least: float, kept: list[float], expected: list[float]
) -> None:
    graph = GraphFile((1, 3, 4, 4))
    name = graph.constant(kept, stored, scale, least)
    graph.output("out", graph.node("Relu", "input"))
    array = read_graph(graph.model_json(), graph.weights).constants[name]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array(expected, np.float32))


def unknown_operation(graph: GraphFile) -> str:
    return graph.node("FancyNorm", "input")


def unknown_activation(graph: GraphFile) -> str:
    filters, bias = graph.constant(np.ones((1, 1, 8, 8))), graph.constant(np.ones(8))
    return graph.node(
        "_FusedConv2D",
        "input",
        filters,
        bias,
        strides=[1, 1, 1, 1],
        padding="SAME",
        fused_ops=["BiasAdd", "Gelu"],
    )


def unknown_padding(graph: GraphFile) -> str:
    filters = graph.constant(np.ones((1, 1, 8, 8)))
    return graph.node("Conv2D", "input", filters, strides=[1, 1, 1, 1], padding="REFLECT")


def channels_first(graph: GraphFile) -> str:
    filters = graph.constant(np.ones((1, 1, 8, 8)))
    return graph.node("Conv2D", "input", filters, strides=[1, 1, 1, 1], padding="SAME", data_format="NCHW")


def filters_that_are_computed(graph: GraphFile) -> str:
    return graph.node("Conv2D", "input", graph.node("Relu", "input"), strides=[1, 1, 1, 1], padding="SAME")


def resize_to_thirds(graph: GraphFile) -> str:
    return graph.node("ResizeBilinear", "input", graph.integers([3, 3]), half_pixel_centers=True)


def reshape_that_mixes_channels_in(graph: GraphFile) -> str:
    return graph.node("Reshape", "input", graph.integers([16, 4, 8]))


def split_of_the_height(graph: GraphFile) -> str:
    return graph.node("Split", graph.integers(1), "input", num_split=2)


def nothing_writes_it(graph: GraphFile) -> str:
    return graph.node("Relu", "somewhere_else")


def goes_in_circles(graph: GraphFile) -> str:
    name = f"relu_{len(graph.nodes)}"
    return graph.node("Relu", name)


def constant_output(graph: GraphFile) -> str:
    return graph.node("Add", graph.constant([1.0]), graph.constant([2.0]))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (unknown_operation, r"operation FancyNorm is not supported"),
        (unknown_activation, r"activation Gelu is not supported"),
        (unknown_padding, r"padding REFLECT is not supported"),
        (channels_first, r"Conv2D is supported in NHWC only"),
        (filters_that_are_computed, r"input 1 of Conv2D must be a constant"),
        (resize_to_thirds, r"a resize by \[0.375, 0.375\] cannot follow the input size"),
        (reshape_that_mixes_channels_in, r"would follow the input size"),
        (split_of_the_height, r"cannot be split into \[4, 4\]"),
        (nothing_writes_it, r"reads somewhere_else, which nothing writes"),
        (goes_in_circles, r"the graph has a cycle through relu_"),
        (constant_output, r"must not be a constant"),
    ],
)
def test_what_cannot_be_converted_is_named(build: Any, message: str) -> None:  # noqa: ANN401
    graph = GraphFile((1, 8, 8, 8))
    graph.output("out", build(graph))
    with pytest.raises(ModelError, match=message):
        converted(graph, {1: "height", 2: "width"})


def without_signature(model: dict[str, Any], weights: bytes) -> tuple[dict[str, Any], bytes]:
    del model["signature"]
    return model, weights


def output_of_another_model(model: dict[str, Any], weights: bytes) -> tuple[dict[str, Any], bytes]:
    model["signature"]["outputs"] = {"boxes:0": {}}
    return model, weights


def a_type_of_another_world(model: dict[str, Any], weights: bytes) -> tuple[dict[str, Any], bytes]:
    model["weightsManifest"][0]["weights"][0]["dtype"] = "string"
    return model, weights


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_signature, "not a TensorFlow.js graph model"),
        (output_of_another_model, "output boxes is a constant or missing; outputs: boxes"),
        (a_type_of_another_world, "data type string is not supported"),
        (lambda model, weights: (model, weights[:-3]), "the weights end after"),
        (lambda model, weights: (model, weights + b"\0"), "where the model describes"),
    ],
)
def test_files_that_do_not_fit_are_refused(spoil: Any, message: str) -> None:  # noqa: ANN401
    graph = detector()
    model, weights = spoil(json.loads(graph.model_json()), graph.weights)
    with pytest.raises(ModelError, match=message):
        convert("test", json.dumps(model).encode(), weights, NCHW_FREE)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"modelTopology": 3}'])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"not a TensorFlow.js graph model"):
        convert("test", content, b"", {})


F = True
MERGED = [(1, False), (80, False), (2704, F)]


@pytest.mark.parametrize(
    ("shape", "target", "expected"),
    [
        ([(1, False), (80, False), (52, F), (52, F)], [1, 80, 2704], MERGED),
        ([(1, False), (80, False), (52, F), (52, F)], [1, 80, -1], MERGED),
        ([(1, False), (52, F), (52, F), (80, False)], [1, 2704, 80], [(1, False), (2704, F), (80, False)]),
        ([(1, False), (4, False), (11, False)], [1, 44], [(1, False), (44, False)]),
        # Two free axes that keep their places would both be -1.
        ([(1, False), (52, F), (52, F), (44, False)], [1, 52, 52, 4, 11], None),
        ([(1, False), (80, False), (52, F), (52, F)], [1, 81, 2704], None),
    ],
)
def test_axes_that_follow_the_input_size(
    shape: list[tuple[int, bool]], target: list[int], expected: list[tuple[int, bool]] | None
) -> None:
    dims = tuple(Dim(*dim) for dim in shape)
    if expected is None:
        with pytest.raises(ModelError):
            reshaped("node", dims, target)
    else:
        assert reshaped("node", dims, target) == tuple(Dim(*dim) for dim in expected)
