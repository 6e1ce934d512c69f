"""Opens the models of plates on onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile

from lianfang.errors import ModelError


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """Return the model in ``model``, one thread a call; ModelError where it cannot be loaded."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
        raise ModelError(f"model {model} cannot be loaded: {error}") from error
