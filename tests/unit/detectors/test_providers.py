"""What runs a model: the choice by time, what is passed over, and openvino itself where it is installed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import structlog
from onnx import TensorProto, helper

from detectors.engines import onnx as engine
from detectors.models import runtimes
from detectors.models.runtimes import CPU, OPENVINO, Floats, Run, choose
from lianfang.config import Config
from lianfang.errors import ModelError
from tests.support.configs import changed

TENSOR = np.random.default_rng(0).normal(0, 1, (1, 3, 32, 64)).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A convolution of 3 by 3 and a sum over each channel, of any size."""
    weight = np.random.default_rng(1).normal(0, 1, (4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["map"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("ReduceSum", ["map", "axes"], ["sum"], keepdims=0),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [
            helper.make_tensor_value_info("map", TensorProto.FLOAT, [1, 4, "height", "width"]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 4]),
        ],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True),
            helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
        ],
    )
    path = tmp_path / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class Clock:
    """A clock that stands still but for what runs say that they take."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def taking(self, run: Run, seconds: float, off: float = 0.0) -> Run:
        """Return ``run`` at ``seconds`` a call, with ``off`` added to what it says."""

        def timed(tensor: Floats) -> list[Floats]:
            self.now_s += seconds
            return [np.asarray(one + off, np.float32) for one in run(tensor)]

        return timed


def cannot() -> Run:
    raise ModelError("it could not start")


def fails() -> Run:
    def run(tensor: Floats) -> list[Floats]:
        raise RuntimeError(f"no memory for {tensor.shape}")

    return run


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ({}, CPU),
        ({"fast": (0.5, 0.0)}, "fast"),
        ({"slow": (2.0, 0.0)}, CPU),
        ({"fast": (0.5, 0.0), "faster": (0.4, 0.0), "slow": (2.0, 0.0)}, "faster"),
        # Not worth leaving what is tested most.
        ({"hardly": (0.95, 0.0)}, CPU),
        # In rounding, and beyond it.
        ({"rounds": (0.5, 1e-5)}, "rounds"),
        ({"wrong": (0.1, 0.5), "fast": (0.5, 0.0)}, "fast"),
        ({"nan": (0.1, float("nan"))}, CPU),
    ],
)
def test_the_fastest_that_says_the_same_is_chosen(
    model: Path, others: dict[str, tuple[float, float]], chosen: str
) -> None:
    clock, real = Clock(), runtimes.start(model, [CPU], threads=1)
    runs: dict[str, Run] = {CPU: clock.taking(real, 1.0)}
    runs |= {name: clock.taking(real, seconds, off) for name, (seconds, off) in others.items()}
    begin: dict[str, Callable[[], Run]] = {name: partial(runs.__getitem__, name) for name in others}
    with structlog.testing.capture_logs() as logs:
        assert choose(runs[CPU], begin, TENSOR, "tiny", clock) is runs[chosen]
    said = logs[-1]
    assert (said["event"], said["provider"]) == ("provider chosen", chosen)
    agreeing = {name: round(1 / seconds, 2) for name, (seconds, off) in others.items() if abs(off) < 1e-3}
    assert said["times_as_fast_as_cpu"] == pytest.approx(agreeing)


def test_what_cannot_start_or_run_is_passed_over_and_said(model: Path) -> None:
    real = runtimes.start(model, [CPU], threads=1)
    with structlog.testing.capture_logs() as logs:
        assert choose(real, {"dead": cannot, "ill": fails}, TENSOR, "tiny") is real
    passed = {one["provider"]: one["reason"] for one in logs if one["event"] == "provider passed over"}
    assert passed == {"dead": "it could not start", "ill": "no memory for (1, 3, 32, 64)"}


def test_auto_runs_and_says_what_the_cpu_says(model: Path) -> None:
    plain = runtimes.start(model, [CPU], threads=1)
    for found, wanted in zip(runtimes.fastest(model, 1, TENSOR)(TENSOR), plain(TENSOR), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_nothing_that_sends_pictures_away_is_ever_tried() -> None:
    assert "AzureExecutionProvider" not in runtimes.available()
    assert CPU in runtimes.available()


def problems(providers: object) -> list[str]:
    config = Config.model_validate(changed(("detectors.objects.engine.providers", providers)))
    one = engine.Config.model_validate({"providers": providers})
    return [str(problem.found) for problem in one.check(config) if problem.key == ("providers",)]


def test_a_configuration_says_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda _name: None)
    monkeypatch.setattr(engine, "verify", lambda *_given: Path())
    (said,) = problems([OPENVINO])
    assert "package is not installed: pip install 'lianfang[openvino]'" in said
    assert "stands alone" in problems([OPENVINO, CPU])[0]
    assert "has no WarpDrive" in problems(["WarpDrive"])[0]
    assert problems("auto") == problems([CPU]) == []
    with pytest.raises(ModelError, match="not installed"):
        runtimes.start(Path("none.onnx"), [OPENVINO], threads=1)


def test_a_file_that_is_no_model_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    for provider in set(runtimes.available()) & {CPU, OPENVINO}:
        with pytest.raises(ModelError, match="cannot run it"):
            runtimes.start(tmp_path / "broken.onnx", [provider], threads=1)


@pytest.mark.skipif(OPENVINO not in runtimes.available(), reason="the package openvino is not installed")
def test_openvino_says_the_same_from_many_threads_and_asks_nobody(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: tried.append(given))
    run, plain = (runtimes.start(model, [name], threads=1) for name in (OPENVINO, CPU))
    random = np.random.default_rng(2)
    tensors = [random.normal(0, 1, (1, 3, 32, 32 + 32 * (i % 3))).astype(np.float32) for i in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, tensors))
    for some, tensor in zip(found, tensors, strict=True):
        for one, other in zip(some, plain(tensor), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)
    assert tried == []
