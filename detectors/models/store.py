"""Where installed models lie, and whether they are what the manifest says. Needs no network, ever."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from detectors.models.manifest import entry
from lianfang.errors import ModelError
from lianfang.paths import cache_dir


def default_cache_dir() -> Path:
    """Return ``$LIANFANG_MODELS``, or ``lianfang/models`` in the user's cache folder (XDG)."""
    if chosen := os.environ.get("LIANFANG_MODELS"):
        return Path(chosen)
    return cache_dir() / "models"


def model_path(name: str, cache_dir: Path | None = None) -> Path:
    """Return where the model ``name`` lies once it is installed."""
    return (cache_dir or default_cache_dir()) / f"{name}.onnx"


def verify(name: str, cache_dir: Path | None = None) -> Path:
    """Return the path of the installed model ``name`` after checking every byte of it.

    Raises ModelError with the file, the sha256 expected and found, and the command that helps.
    """
    expected = entry(name).onnx_sha256
    path = model_path(name, cache_dir)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        found = "no file"
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
    if found != expected:
        raise ModelError(
            f"model {name}: {path}: expected sha256 {expected}, found {found}; "
            f"run: lianfang models install {name}"
        )
    return path
