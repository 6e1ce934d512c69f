"""Weights of ultralytics as ONNX: a file that holds data only, for the engine ``ultralytics``.

It needs the package, which is AGPL-3.0, and for a model by name the network; what it writes needs neither
trust nor the network.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import onnx

from detectors.models import weights as files
from lianfang.errors import ModelError

_NAME = re.compile(r"(?:yolo|rtdetr)[\w-]*(?:\.pt)?")
_INSTALL = "pip install 'lianfang[ultralytics]' (that package is AGPL-3.0)"


def export(
    weights: str,
    output: Path | None = None,
    input_size: tuple[int, int] | None = None,
    trusted: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write ``weights`` as ONNX to ``output``, by default beside where you stand, and return its path.

    ``weights`` is a .pt file, or the name of a model of ultralytics' own (yolo26n), which it then fetches.
    ``input_size`` is the one (width, height) in pixels that the ONNX looks at, by default the model's own.
    A file executes code when it is loaded: ``trusted`` must be true. Raises ModelError where the package is
    missing, the weights are missing, untrusted or cannot be exported, or the output exists or cannot be
    written.
    """
    given = Path(weights)
    named = not given.exists() and _NAME.fullmatch(weights) is not None
    target = output or Path(f"{given.stem if given.suffix == '.pt' else given.name}.onnx")
    _check(given, named, trusted, target)
    with tempfile.TemporaryDirectory(prefix="lianfang-export-") as folder:
        # It writes beside the weights, and fetches to where they should be: both stay in here.
        source = Path(folder) / f"{target.stem if not named else given.stem}.pt"
        if named:
            progress(f"ultralytics fetches {source.name}")
        else:
            shutil.copyfile(given, source)
        made = _run(source, weights, input_size, Path(folder), offline=not named)
        if not files.labels(made):
            raise ModelError(f"{weights}: the ONNX does not say what its classes are called")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made, target)
        except OSError as error:
            raise ModelError(f"{target}: {error.strerror}") from error
    return target


def _check(given: Path, named: bool, trusted: bool, target: Path) -> None:
    """Raise ModelError for what is wrong before anything is loaded."""
    if not named and not given.is_file():
        raise ModelError(f"{given}: no such file, and no name of a model such as yolo26n")
    if not named and given.suffix != ".pt":
        raise ModelError(f"{given}: only .pt files are exported; the engine takes others as they are")
    if not named and not trusted:
        # A name is as trustworthy as the package that fetches it, whose code runs anyway.
        raise ModelError(f"{given} executes code when it is loaded: if you trust it, add --trusted")
    if target.exists():
        raise ModelError(f"{target} exists: name another file with --output, or remove it")
    if find_spec("ultralytics") is None:
        raise ModelError(f"the package ultralytics is not installed: {_INSTALL}")


def _run(
    source: Path, weights: str, input_size: tuple[int, int] | None, folder: Path, *, offline: bool
) -> Path:
    """Let ultralytics export ``source``; it sends nothing and writes its settings into ``folder``."""
    os.environ.update(YOLO_CONFIG_DIR=str(folder), YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0")
    os.environ["YOLO_OFFLINE"] = "1" if offline else "0"
    size = {} if input_size is None else {"imgsz": [input_size[1], input_size[0]]}
    try:
        package = import_module("ultralytics")
        package.settings.update({"sync": False})
        made = package.YOLO(str(source)).export(format="onnx", simplify=False, device="cpu", **size)
        onnx.checker.check_model(str(made))
    except Exception as error:
        # It raises what it, torch and the network raise: dozens of kinds.
        raise ModelError(f"{weights}: ultralytics cannot export it: {error}") from error
    return Path(made)
