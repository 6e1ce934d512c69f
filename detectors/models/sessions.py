"""Opens small models on onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def open_session(model: Path | bytes) -> onnxruntime.InferenceSession:
    """Return a session of a file or its content, on the CPU, one thread a call: workers use cores best.

    Raises what onnxruntime raises where it cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings of the optimiser mean nothing to an operator
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
