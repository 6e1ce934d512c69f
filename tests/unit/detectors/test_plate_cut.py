"""Recognisers of which parts are left out say what they said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from detectors.models.manifest import entry
from detectors.models.sessions import open_session
from detectors.models.store import verify
from detectors.plates.cut import as_if_wider, only
from detectors.plates.recognise import PLATES, TEXT, Recogniser, Shape
from lianfang.errors import ModelError
from lianfang.plates import ALPHABET

RANDOM = np.random.default_rng(6)
PLANES, HIDDEN, CLASSES = 6, 5, 9


def line(height: int, width: int, written: int) -> NDArray[np.float32]:
    """Return a line with something in its first ``written`` pixels and zeros after it."""
    picture = np.zeros((1, 3, height, width), np.float32)
    picture[..., :written] = RANDOM.normal(0, 0.6, (1, 3, height, written))
    return picture


def said(model: ModelProto, given: NDArray[np.float32]) -> NDArray[np.float32]:
    session = open_session(model.SerializeToString())
    (output,) = session.run(None, {session.get_inputs()[0].name: given})
    return np.asarray(output, np.float32)


def recogniser(last: Sequence[NodeProto] = ()) -> ModelProto:
    """Return a tiny recogniser: a convolution, a gate by its mean, an LSTM, and a softmax; or ``last``."""
    shapes = {
        "kernel": (PLANES, 3, 4, 3),
        "w": (1, 4 * HIDDEN, PLANES),
        "r": (1, 4 * HIDDEN, HIDDEN),
        "weights": (HIDDEN, CLASSES),
        "offsets": (CLASSES,),
    }
    constants = [
        numpy_helper.from_array(RANDOM.normal(0, 0.7, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    ends = last or [
        helper.make_node("MatMul", ["steps", "weights"], ["product"]),
        helper.make_node("Add", ["product", "offsets"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=2),
        helper.make_node("Identity", ["shares"], ["y"]),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["seen"], pads=[0, 1, 0, 1], strides=[1, 2]),
        helper.make_node("GlobalAveragePool", ["seen"], ["mean"]),
        helper.make_node("Mul", ["seen", "mean"], ["gated"]),
        helper.make_node("Squeeze", ["gated"], ["row"], axes=[2]),
        helper.make_node("Transpose", ["row"], ["columns"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["columns", "w", "r"], ["both"], hidden_size=HIDDEN),
        helper.make_node("Squeeze", ["both"], ["told"], axes=[1]),
        helper.make_node("Transpose", ["told"], ["steps"], perm=[1, 0, 2]),
    ]
    graph = helper.make_graph(
        [*nodes, *ends],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3, 4, "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", "T", CLASSES])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)


def among(every: NDArray[np.float32], classes: Sequence[int]) -> NDArray[np.float32]:
    shares = every[..., classes]
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float32)


def test_some_classes_alone_have_the_shares_that_they_had_among_each_other() -> None:
    made, given = recogniser(), line(4, 20, 20)
    small = said(only(made, [0, 7, 2]), given)
    assert small.shape == (1, 10, 3)
    np.testing.assert_allclose(small, among(said(made, given), [0, 7, 2]), atol=1e-6)


def test_a_model_that_does_not_end_as_a_recogniser_is_refused() -> None:
    bare = recogniser([helper.make_node("MatMul", ["steps", "weights"], ["y"])])
    with pytest.raises(ModelError, match="softmax"):
        only(bare, [0])


def test_a_margin_that_is_left_out_is_seen_all_the_same() -> None:
    made, given = recogniser(), line(4, 60, 9)
    narrow = as_if_wider(made, (4, 20), 60, still_px=4)
    np.testing.assert_allclose(said(narrow, given[..., :20]), said(made, given), atol=1e-6)
    without = said(made, given[..., :20])
    assert np.abs(without - said(made, given)[:, :10]).max() > 1e-3, "without it the margin matters"


@pytest.mark.parametrize(("name", "shape"), [("clp-rec", PLATES), ("ppocr-v4-rec", TEXT)])
@pytest.mark.parametrize("count", [7, 8])
def test_installed_recognisers_say_what_their_makers_models_say(name: str, shape: Shape, count: int) -> None:
    try:
        path = verify(name)
    except ModelError as error:
        pytest.skip(str(error))
    made = onnx.load(path)
    listed = entry(name).labels or made.metadata_props[0].value.splitlines()
    classes = [0, *(listed.index(character) + 1 for character in ALPHABET)]
    plate = RANDOM.integers(0, 256, (shape.height, round(shape.seven_width * count / 7), 3), np.uint8)
    given = np.zeros((1, 3, shape.height, shape.seen_width), np.float32)
    given[0, :, :, : plate.shape[1]] = plate.transpose(2, 0, 1) / 127.5 - 1
    steps = Recogniser(path, shape, entry(name).labels).steps(plate, count)
    np.testing.assert_allclose(steps, among(said(made, given), classes)[0, : len(steps)], atol=1e-4)
