"""A real ONVIF device with a loudspeaker, in a process of its own, that a test may stop and kill."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Self

from tests.support.rtsp_server import SYSTEM_PYTHON

_ROOT = Path(__file__).parents[2]


class Horn:
    """It listens on 127.0.0.1 as long as the block lasts, and records into ``folder``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._file = folder / "heard.g711"
        self._options = options

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-m", "tests.support.onvif_process", str(self._file), *self._options],
            cwd=_ROOT,
            env={"PATH": "/usr/bin", "HOME": str(Path.home())},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"rtsp://127.0.0.1:{int(self._process.stdout.readline())}/live"
        return self

    def __exit__(self, *_: object) -> None:
        self.tell(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    @property
    def heard(self) -> bytes:
        """What it has heard of the newest broadcast."""
        return self._file.read_bytes() if self._file.exists() else b""
