"""What computes a model: a provider of onnxruntime, or the package ``openvino``; and which is fastest here.

OpenVINO is taken as a package of its own, and not as a provider of onnxruntime: the builds of onnxruntime
that have it replace the ordinary one, and are eight versions behind it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import structlog
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from lianfang.errors import ModelError

CPU = "CPUExecutionProvider"
OPENVINO = "openvino"
INSTALL_OPENVINO = "pip install 'lianfang[openvino]'"
# Sends pictures to a cloud; every onnxruntime offers it.
_REMOTE = frozenset({"AzureExecutionProvider"})
_TRIALS = 12  # of which the best counts: what else the machine does can only slow one down
_WORTH = 1.1  # times as fast as the CPU provider, or it is not worth leaving what is tested most
_ROUNDING = 1e-3  # of the largest output: sums in another order, and no more

# onnxruntime's own, which have nothing in common but Exception.
_FAULTS: tuple[type[Exception], ...] = tuple(
    one for one in vars(faults).values() if isinstance(one, type) and issubclass(one, Exception)
)
_UNUSABLE: tuple[type[Exception], ...] = (ModelError, RuntimeError, *_FAULTS)

Floats = NDArray[np.float32]
Run = Callable[[Floats], list[Floats]]
"""One input tensor → the outputs, in the order of the model's; from any number of threads at once."""

log = structlog.get_logger()


def available() -> tuple[str, ...]:
    """Return what may be named here."""
    there = tuple(p for p in onnxruntime.get_available_providers() if p not in _REMOTE)
    return (*there, OPENVINO) if find_spec(OPENVINO) else there


def missing(providers: Sequence[str]) -> str | None:
    """Return what is wrong with naming ``providers``, None where nothing is."""
    if OPENVINO in providers and len(providers) > 1:
        return f"{OPENVINO} beside others: it stands alone"
    if OPENVINO in providers and find_spec(OPENVINO) is None:
        return f"{OPENVINO}, whose package is not installed: {INSTALL_OPENVINO}"
    known = {*onnxruntime.get_available_providers(), OPENVINO}
    if unknown := sorted(set(providers) - known):
        return f"onnxruntime has no {', '.join(unknown)} here; available: {', '.join(available())}"
    return None


def start(path: Path, providers: Sequence[str], threads: int) -> Run:
    """Return the model ready to run on the first of ``providers``, with ``threads`` inside one call.

    ModelError where it cannot start, or another would silently take its place.
    """
    if reason := missing(providers):
        raise ModelError(reason)
    if list(providers) == [OPENVINO]:
        return _OpenVino(path, threads).run
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings of the optimiser mean nothing to an operator
    try:
        session = onnxruntime.InferenceSession(path, options, providers=list(providers))
    except _FAULTS as error:
        raise ModelError(f"{path}: {providers[0]} cannot run it: {error}") from error
    if session.get_providers()[0] != providers[0]:
        # onnxruntime falls back silently; a detector that is ten times slower than planned must not.
        raise ModelError(f"{providers[0]} could not start; onnxruntime offers {session.get_providers()}")
    name = session.get_inputs()[0].name
    return lambda tensor: list(session.run(None, {name: tensor}))


def fastest(path: Path, threads: int, tensor: Floats) -> Run:
    """Return the model on what runs ``tensor`` fastest here, and log which that is."""
    others = {
        name: partial(start, path, [name] if name == OPENVINO else [name, CPU], threads)
        for name in available()
        if name != CPU
    }
    return choose(start(path, [CPU], threads), others, tensor, model=path.stem)


def choose(
    cpu: Run,
    others: Mapping[str, Callable[[], Run]],
    tensor: Floats,
    model: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Run:
    """Return the fastest of ``cpu`` and those of ``others`` that start and say the same as it does."""
    wanted = cpu(tensor)
    running: dict[str, Run] = {CPU: cpu}
    for name, begin in others.items():
        try:
            run = begin()
            found = run(tensor)
        except _UNUSABLE as error:
            log.warning("provider passed over", model=model, provider=name, reason=str(error))
            continue
        if (off := _difference(found, wanted)) > _ROUNDING:
            log.warning("provider passed over", model=model, provider=name, reason=f"off by {off:.2g}")
            continue
        running[name] = run
    best_s = dict.fromkeys(running, float("inf"))
    for _ in range(_TRIALS if len(running) > 1 else 0):
        for name, run in running.items():
            began = clock()
            run(tensor)
            best_s[name] = min(best_s[name], clock() - began)
    ratios = {name: best_s[CPU] / best_s[name] for name in running if name != CPU}
    name = max(ratios, key=lambda one: ratios[one], default=CPU)
    if name != CPU and ratios[name] < _WORTH:
        name = CPU
    rounded = {one: round(ratio, 2) for one, ratio in ratios.items()}
    log.info("provider chosen", model=model, provider=name, times_as_fast_as_cpu=rounded)
    return running[name]


def _difference(found: Sequence[Floats], wanted: Sequence[Floats]) -> float:
    """Return the largest difference, as a part of the largest value of that output; inf for another shape."""
    if [one.shape for one in found] != [one.shape for one in wanted]:
        return float("inf")
    parts = [
        np.abs(one - other).max(initial=0) / max(1.0, np.abs(other).max(initial=0))
        for one, other in zip(found, wanted, strict=True)
    ]
    return float("inf") if np.isnan(parts).any() else float(max(parts, default=0.0))


class _OpenVino:
    """A model on the package openvino: as many streams as fit the cores, a request for each thread."""

    def __init__(self, path: Path, threads: int) -> None:
        openvino: Any = import_module(OPENVINO)
        streams = max(1, len(os.sched_getaffinity(0)) // threads)
        settings = {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams * threads,
            "INFERENCE_PRECISION_HINT": "f32",  # else it rounds to bfloat16 where the processor can
        }
        try:
            self._model = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            raise ModelError(f"{path}: {OPENVINO} cannot run it: {error}") from error
        self._local = threading.local()

    def run(self, tensor: Floats) -> list[Floats]:
        """Return the outputs for ``tensor``."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._model.create_infer_request()
        results = request.infer({0: tensor})
        return [results[output] for output in self._model.outputs]
