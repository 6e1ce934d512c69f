"""Networks whose graph is written anew say what they said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from detectors.models.sessions import open_session
from detectors.models.store import verify
from detectors.plates.simplify import simplified
from lianfang.errors import ModelError

PICTURE = np.random.default_rng(2).normal(0, 3, (1, 3, 8, 9)).astype(np.float32)


def number(name: str, value: float) -> NodeProto:
    return helper.make_node(
        "Constant", [], [name], value=numpy_helper.from_array(np.array(value, np.float32))
    )


def model(nodes: Sequence[NodeProto], opset: int = 12) -> ModelProto:
    """Return a model of a 3×3 convolution, x, and ``nodes`` that make y of it."""
    weights = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    convolution = helper.make_node("Conv", ["picture", "weights"], ["x"], pads=[1, 1, 1, 1])
    values = [number("three", 3), number("zero", 0), number("six", 6), number("a", -1.5), number("b", 0.25)]
    graph = helper.make_graph(
        [*values, convolution, *nodes],
        "test",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["B", 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def operation(kind: str, *names: str, **attributes: float) -> NodeProto:
    return helper.make_node(kind, names[:-1], names[-1:], **attributes)  # type: ignore[arg-type]


def swish(clip: NodeProto, divisor: str = "six") -> list[NodeProto]:
    return [
        operation("Add", "x", "three", "shifted"),
        clip,
        operation("Mul", "x", "gate", "product"),
        operation("Div", "product", divisor, "y"),
    ]


CLIP = operation("Clip", "shifted", "zero", "six", "gate")


def said(made: ModelProto, given: NDArray[np.float32] = PICTURE) -> NDArray[np.float32]:
    session = open_session(made.SerializeToString())
    output, *_ = session.run(None, {session.get_inputs()[0].name: given})
    return np.asarray(output, np.float32)


def kinds(made: ModelProto) -> list[str]:
    return [node.op_type for node in made.graph.node if node.op_type != "Constant"]


@pytest.mark.parametrize(
    ("made", "want"),
    [
        (model(swish(CLIP)), ["Conv", "HardSigmoid", "Mul"]),
        # before opset 11 a clip's bounds are attributes
        (
            model(swish(operation("Clip", "shifted", "gate", min=0.0, max=6.0)), 10),
            ["Conv", "HardSigmoid", "Mul"],
        ),
        (
            model([operation("Mul", "a", "x", "ax"), operation("Add", "ax", "b", "y")]),
            ["Conv", "BatchNormalization"],
        ),
        # the sum is wanted by others too
        (
            model(
                [
                    *swish(CLIP)[:3],
                    operation("Div", "product", "six", "swished"),
                    operation("Add", "swished", "shifted", "y"),
                ]
            ),
            ["Conv", "Add", "HardSigmoid", "Mul", "Add"],
        ),
    ],
)
def test_hard_swish_and_lines_take_their_faster_form(made: ModelProto, want: list[str]) -> None:
    new = simplified(made)
    assert kinds(new) == want
    np.testing.assert_allclose(said(new), said(made), atol=1e-5)


@pytest.mark.parametrize(
    "made",
    [
        model(swish(CLIP, divisor="three")),
        model(swish(operation("Clip", "shifted", "zero", "three", "gate"))),
        model([operation("Add", "x", "b", "y")]),
        model([operation("Mul", "x", "x", "square"), operation("Div", "six", "square", "y")]),
    ],
)
def test_what_is_neither_stays(made: ModelProto) -> None:
    new = simplified(made)
    assert kinds(new) == kinds(made)
    np.testing.assert_array_equal(said(new), said(made))


@pytest.mark.parametrize(("name", "height"), [("clp-rec", 32), ("ppocr-v4-rec", 48), ("clp-det", 64)])
def test_installed_models_say_the_same(name: str, height: int) -> None:
    try:
        made = onnx.load(verify(name))
    except ModelError as error:
        pytest.skip(str(error))
    new = simplified(made)
    swishes = kinds(made).count("Clip")
    assert kinds(new).count("Clip") == 0
    assert kinds(new).count("HardSigmoid") >= swishes
    given = np.random.default_rng(3).normal(0, 1, (1, 3, height, 120)).astype(np.float32)
    np.testing.assert_allclose(said(new, given), said(made, given), atol=1e-4)
