"""What a picture costs on onnxruntime, and how many times as fast the package openvino is.

In one run, in turns, in processor time of the whole process: the machine's other work disturbs it little. The
ratio is that of the quietest turn of each. It needs no data.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from detectors.engines import onnx
from detectors.evaluation.base import Figure, Report
from detectors.models import runtimes
from detectors.models.store import verify

TURNS = 20


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return milliseconds of a core and the ratio; ModelError without the model."""
    del data
    config = onnx.Config()
    path = verify(config.model, models_dir)
    width, height = config.input_size
    tensor = np.random.default_rng(0).normal(0, 1, (1, 3, height, width)).astype(np.float32)
    names = [name for name in (runtimes.CPU, runtimes.OPENVINO) if name in runtimes.available()]
    runs = {name: runtimes.start(path, [name], threads=1) for name in names}
    spent_ms: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(TURNS):
        for name, run in runs.items():
            began = time.process_time()
            run(tensor)
            spent_ms[name].append((time.process_time() - began) * 1000)
    best = {name: min(turns[1:]) for name, turns in spent_ms.items()}  # the first turn warms up
    figures = {"providers.cpu_ms": Figure(best[runtimes.CPU], TURNS)}
    if runtimes.OPENVINO not in best:
        note = f"the package openvino is not installed ({runtimes.INSTALL_OPENVINO}): no ratio"
        return Report(figures, (note,))
    ratio = best[runtimes.CPU] / best[runtimes.OPENVINO]
    figures["providers.openvino_ratio"] = Figure(ratio, TURNS)
    return Report(figures, (f"{path.stem} at {width}x{height}, one thread; above 1: openvino is faster",))
