"""A real RTSP server in a process of its own, that a test may kill, stop, continue and restart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import pytest

from tests.support.elementary import CACHE, elementary_stream
from tests.support.video import write_clip

SYSTEM_PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("rtsp_process.py")
START_S = 30.0


@cache
def _missing() -> str:
    probe = (
        "import gi; gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "assert all(map(Gst.ElementFactory.find, ('appsrc', 'h264parse', 'rtph264pay')))"
    )
    if shutil.which(SYSTEM_PYTHON) is None:
        return f"no {SYSTEM_PYTHON}"
    done = subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def require_rtsp() -> None:
    """Skip the test where gst-rtsp-server is not installed; fail it under CI, where it must be."""
    missing = _missing()
    if not missing:
        return
    message = (
        f"no RTSP server: {missing} (Debian: gir1.2-gst-rtsp-server-1.0 python3-gi "
        "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Login:
    """What the server asks for."""

    user: str
    password: str
    scheme: Literal["basic", "digest"] = "digest"


class RtspServer:
    """Serves ``video`` (numbered pictures at 25 fps where not given), looped, on 127.0.0.1.

    ``streams`` are elementary streams (``elementary_stream``) at paths of their own, in place of the one
    at ``/stream``; the paths of one file are spread over ``playings`` of it.

    A context manager. A stream starts anew whenever nobody was watching.
    """

    def __init__(
        self,
        video: Path | None = None,
        login: Login | None = None,
        streams: Mapping[str, Path] | None = None,
        playings: int = 1,
    ) -> None:
        require_rtsp()
        self._streams = streams or {"stream": elementary_stream(video or pattern())}
        self._playings = playings
        self._login = login
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """The address, without credentials."""
        return self.at("stream")

    @property
    def process_id(self) -> int:
        """Of the server."""
        assert self._process is not None
        return self._process.pid

    def at(self, path: str) -> str:
        """Return the address of the stream at ``path``, without credentials."""
        return f"rtsp://127.0.0.1:{self.port}/{path}"

    def url_with(self, user: str, password: str) -> str:
        """Return the address with credentials, escaped as URLs want them."""
        return f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{self.port}/stream"

    def start(self) -> None:
        """Start it, on the port it had before if it had one, and return once it listens."""
        served = [f"/{path}={file}" for path, file in self._streams.items()]
        command = [SYSTEM_PYTHON, str(PROGRAM), *served]
        command += ["--playings", str(self._playings), "--port", str(self.port)]
        if self._login:
            command += ["--scheme", self._login.scheme, "--user", self._login.user]
            command += ["--password", self._login.password]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.strip().isdigit(), f"the RTSP server did not start (exit {self._process.poll()})"
        self.port = int(line)

    def serve(self, streams: Mapping[str, Path], login: Login | None) -> None:
        """Have other streams and ask for another login from the next start on."""
        self._streams, self._login = streams, login

    def kill(self) -> None:
        """Kill it, stopped or not: its readers see the connection end."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def restart(self) -> None:
        """Kill it and start it on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Stop it in the middle of whatever it does: connections stay, nothing comes any more."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@cache
def pattern() -> Path:
    """Return the numbered pictures that are served where nothing else is given: 20 s at 25 fps."""
    CACHE.mkdir(mode=0o700, exist_ok=True)
    path = CACHE / "pattern-25fps.mp4"
    if not path.exists():
        made = write_clip(CACHE / f"pattern-{os.getpid()}.mp4", count=500, fps=25)
        made.replace(path)
    return path
