"""Weights in the formats of ultralytics, looked at without running them: kind, checksum, labels."""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import Path

import onnx
import yaml
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

_DATA = (".onnx", ".mnn", ".tflite", "_ncnn_model", "_openvino_model")
# Pickles, serialised programs and graphs whose operations may read and write files.
_CODE = (
    *(".pt", ".torchscript", ".engine", ".pb", ".mlpackage", ".aimodel"),
    *("_saved_model", "_paddle_model", "_imx_model", "_rknn_model", "_executorch_model", "_axelera_model"),
    *("_deepx_model", "_hailo_model", "_ascend_model", "_xilinx_model"),
)
ENDINGS = _DATA + _CODE
"""How the names of files and folders end that ultralytics 8.4 loads (its ``export_formats``)."""

# ultralytics looks for another file, and asks the net for it, where a path holds one of these.
_REWRITTEN = re.compile(r"'|yolov(?:5[nsmlx]6?|3(?:-tiny|-spp)?)\.pt$")


def is_known(path: Path) -> bool:
    """Return whether the name ends as the names of weights do."""
    return path.name.lower().endswith(ENDINGS)


def executes_code(path: Path) -> bool:
    """Return whether loading ``path`` may run what its author wished; true for everything unknown."""
    return not path.name.lower().endswith(_DATA)


def is_rewritten(path: Path) -> bool:
    """Return whether ultralytics would take ``path`` for another one."""
    text = str(path)
    return text != text.strip() or _REWRITTEN.search(text) is not None


def digest(path: Path) -> str:
    r"""Return the sha256 of a file in hex; of a folder, that of what ``sha256sum`` prints of its files.

    In the folder: ``find -L . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum``.
    Raises OSError where something cannot be read.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted((p for p in path.rglob("*") if p.is_file()), key=lambda p: bytes(p.relative_to(path)))
    lines = (f"{digest(p)}  {p.relative_to(path).as_posix()}\n" for p in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def labels(path: Path) -> tuple[str, ...]:
    """Return what the model says that it finds, in the order of its classes.

    Nothing where only running the file would tell (.pt), and where it does not say or cannot be read.
    """
    try:
        if path.suffix.lower() == ".onnx":
            properties = onnx.load(path, load_external_data=False).metadata_props
            names = ast.literal_eval(next((p.value for p in properties if p.key == "names"), "{}"))
        else:
            names = yaml.safe_load((path / "metadata.yaml").read_text(encoding="utf-8"))["names"]
        return tuple(str(names[i]) for i in range(len(names)))
    except (OSError, DecodeError, ValueError, SyntaxError, LookupError, TypeError, yaml.YAMLError):
        return ()
