"""Opens the models of plates on onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile

from detectors.models import sessions
from lianfang.errors import ModelError


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """Return the model in ``model``, one thread a call; ModelError where it cannot be loaded."""
    try:
        return sessions.open_session(model)
    except (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
        raise ModelError(f"model {model} cannot be loaded: {error}") from error
