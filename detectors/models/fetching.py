"""What every way of fetching a model has in common: a program that runs, and bytes that are checked."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianfang.errors import ModelError

TIMEOUT_S = 1800.0
PROGRESS_S = 2.0


@dataclass(frozen=True)
class Fetcher:
    """A package manager of the user's: its registry, its credentials.

    ``tool`` is its name, ``by_hand`` the command that shows its own words, ``reason`` what its log says in
    words that name nothing private.
    """

    tool: str
    by_hand: str
    reason: Callable[[bytes], str]

    def fetch(
        self, wanted: str, command: Sequence[str], folder: Path, pattern: str, progress: Callable[[str], None]
    ) -> Path:
        """Run ``command``, which puts one file ``pattern`` into the empty ``folder``, and return its path.

        Raises ModelError where it fails or takes longer than half an hour. What it printed itself is not
        passed on: that may hold a registry's address or a token.
        """
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the arguments come from the manifest
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            try:
                self._wait(process, wanted, progress)
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise ModelError(
                f"{self.tool} could not fetch {wanted}: {self.reason(log.read_bytes())}; "
                f"to see {self.tool}'s own words: {self.by_hand} {wanted}"
            )
        found = list(folder.glob(pattern))
        if len(found) != 1:
            raise ModelError(f"{self.tool} fetched {len(found)} files for {wanted} instead of one")
        return found[0]

    def _wait(self, process: subprocess.Popen[bytes], wanted: str, progress: Callable[[str], None]) -> None:
        started = time.monotonic()
        while True:
            try:
                process.wait(timeout=PROGRESS_S)
            except subprocess.TimeoutExpired:
                elapsed_s = time.monotonic() - started
                if elapsed_s > TIMEOUT_S:
                    raise ModelError(
                        f"{self.tool} has not fetched {wanted} within {TIMEOUT_S:.0f} s"
                    ) from None
                progress(f"still fetching {wanted}, {elapsed_s:.0f} s")
            else:
                return


def check_file(what: str, path: Path, expected: str) -> None:
    """Raise ModelError unless the file has the sha256 ``expected``."""
    with path.open("rb") as file:
        _check(what, hashlib.file_digest(file, "sha256").hexdigest(), expected)


def check_bytes(what: str, content: bytes, expected: str) -> None:
    """Raise ModelError unless ``content`` has the sha256 ``expected``."""
    _check(what, hashlib.sha256(content).hexdigest(), expected)


def _check(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ModelError(f"{what}: expected sha256 {expected}, found {found}; nothing was installed")
