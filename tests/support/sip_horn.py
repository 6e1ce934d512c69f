"""A real SIP user agent in a process of its own, that takes every call and records what it hears."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from alerts.voice import sound
from alerts.voice.sound import Samples
from tests.support.kafka import missing

_START_S = 30.0
_CONFIG = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
statmode_default off
audio_source aufile,silence.wav
snd_path {folder}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module stdio.so
module_tmp account.so
module_app menu.so
"""


def needs_baresip() -> None:
    """Skip the test where there is no SIP user agent."""
    if shutil.which("baresip") is None:
        missing("no baresip: install Debian's package baresip-core")


class Horn:
    """It listens on 127.0.0.1 as long as the block lasts, and records into ``folder``."""

    def __init__(self, folder: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"sip:horn@127.0.0.1:{port}"
        self._folder = folder
        folder.mkdir()
        (folder / "config").write_text(_CONFIG.format(port=port, folder=folder))
        (folder / "accounts").write_text(f"<{self.url}>;regint=0;answermode=auto\n")
        (folder / "silence.wav").write_bytes(sound.wav(sound.silence(60)[::2], sound.TELEPHONE))

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["baresip", "-f", "."],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until_s = time.monotonic() + _START_S
        while b"baresip is ready" not in (self._folder / "log").read_bytes():
            assert time.monotonic() < until_s, "the user agent does not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.terminate()
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        pipe: IO[bytes] | None = self._process.stdin
        if pipe is not None:
            pipe.close()

    def heard(self) -> Samples:
        """Return what it heard of the one call that there was, as often a second as a telephone has it."""
        (file,) = self._folder.glob("dump-*-dec.wav")
        return sound.telephone(sound.read(file))
