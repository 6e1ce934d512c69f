"""The time that is served to cameras, by a real chronyd without any server of its own."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.cameras.chrony import main, written
from tests.support.configs import SECRETS, changed, loaded, write

CHRONYD = shutil.which("chronyd", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(CHRONYD is None, reason="chronyd is not installed (Debian: chrony)")
NTP_EPOCH_S = 2208988800  # 1900 to 1970
WAIT_S = 30.0


@contextmanager
def served(text: str, folder: Path) -> Iterator[int]:
    """Run chronyd by ``text``, on a port of this machine only, and never setting its clock."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    lines = [line for line in text.splitlines() if not line.startswith(("driftfile", "makestep", "rtcsync"))]
    lines += [f"port {port}", "bindaddress 127.0.0.1", f"pidfile {folder}/pid", "bindcmdaddress /"]
    (folder / "chrony.conf").write_text("\n".join(lines) + "\n")
    assert CHRONYD is not None
    command = [CHRONYD, "-x", "-d", "-U", "-f", str(folder / "chrony.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield port
        finally:
            process.terminate()


def asked(port: int, client: str) -> socket.socket:
    """Return a socket at ``client`` that has asked for the time (RFC 4330: version 4, mode 3)."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((client, 0))
    one.connect(("127.0.0.1", port))
    one.send(bytes([0x23]) + bytes(47))
    return one


def answer(port: int) -> bytes:
    """Return the first answer to 127.0.0.1, of a server that may just be starting."""
    deadline = time.monotonic() + WAIT_S
    while True:
        assert time.monotonic() < deadline, "chronyd does not answer"
        with asked(port, "127.0.0.1") as one:
            one.settimeout(0.2)
            try:
                return one.recv(512)
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.02)


def test_cameras_are_told_the_time_without_a_server_and_others_are_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    text = written(loaded(tmp_path))  # the cameras of this configuration are at 127.0.0.1
    with served(text, tmp_path) as port:
        answer(port)  # it runs
        with asked(port, "127.0.0.2") as stranger:
            said = answer(port)
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(512)
    leap, stratum = said[0] >> 6, said[1]
    (seconds,) = struct.unpack_from("!I", said, 40)
    assert (leap, stratum) == (0, 10)  # "local stratum 10", and not "unsynchronised"
    assert abs(seconds - NTP_EPOCH_S - time.time()) < 5


def test_who_is_asked_and_who_may_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    named = ("cameras.cam2.source", {"kind": "rtsp", "url": "rtsp://gate.site/1"})
    recorded = ("cameras.cam.record", {"ip_address": "10.20.1.17"})
    file = str(write(tmp_path, changed(named, recorded)))
    assert main([file, "--server", "ntp.site"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith(("server", "allow"))] == [
        "server ntp.site iburst",
        "allow 10.20.1.17",
    ]
    assert "No address is known of cam2" in out
    assert main([file, "--network", "10.20.0.0/16"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith(("server", "allow", "# No"))] == [
        "allow 10.20.0.0/16"
    ]
    assert main([file, "--network", "10.20.0.1/16"]) == 2
    assert "host bits set; allowed: such as 10.20.0.0/16" in capsys.readouterr().err
