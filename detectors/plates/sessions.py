"""Opens the models of plates on onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from detectors.models import sessions
from detectors.plates.simplify import simplified
from lianfang.errors import ModelError


def open_session(
    model: Path, change: Callable[[ModelProto], ModelProto] = lambda network: network
) -> onnxruntime.InferenceSession:
    """Return the model in ``model`` as ``change`` makes it, one thread a call.

    ModelError where it cannot be loaded, or as ``change`` raises it.
    """
    try:
        return sessions.open_session(change(simplified(onnx.load(model))).SerializeToString())
    except (OSError, DecodeError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        raise ModelError(f"model {model} cannot be loaded: {error}") from error
