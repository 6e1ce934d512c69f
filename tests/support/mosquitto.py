"""Real Mosquitto brokers for tests: one that they share, and some of their own to kill."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Self

from deploy.demo.site import free_port
from tests.support.kafka import missing

_START_S = 30.0


class Mosquitto:
    """A broker on 127.0.0.1, stopped at the end; a context manager.

    With ``users`` (name → password) nobody else may log in; with ``certificate`` (a PEM file of key and
    certificate) it speaks TLS only. ``more`` is more of its configuration.
    """

    def __init__(
        self,
        folder: Path,
        users: dict[str, str] | None = None,
        certificate: Path | None = None,
        more: Sequence[str] = (),
    ) -> None:
        self.port = free_port(0)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if users else 'true'}"]
        if os.getuid() == 0:
            lines.append("user root")  # it would give itself another user, who may not read the folder
        if users:
            words = folder / "passwords"
            words.write_text("".join(f"{name}:{word}\n" for name, word in users.items()))
            words.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", str(words)], check=True)
            lines.append(f"password_file {words}")
        if certificate:
            lines += [f"certfile {certificate}", f"keyfile {certificate}"]
        (folder / "mosquitto.conf").write_text("\n".join([*lines, *more, ""]))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; return once it listens."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "-c", str(self._folder / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        deadline = time.monotonic() + _START_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, f"no broker: {(self._folder / 'log').read_text()}"
            assert time.monotonic() < deadline, "the broker does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _program() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return found or missing("no mosquitto: install Debian's package of that name")


@cache
def shared_broker() -> Mosquitto:
    """Return the broker that tests share; skip where there is none."""
    resources = ExitStack()
    atexit.register(resources.close)
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="lianfang-mosquitto-"))
    return resources.enter_context(Mosquitto(Path(folder)))


@contextmanager
def own_broker(
    folder: Path,
    users: dict[str, str] | None = None,
    certificate: Path | None = None,
    more: Sequence[str] = (),
) -> Iterator[Mosquitto]:
    """Give a broker that the test may kill; skip where none can be started."""
    _program()
    with Mosquitto(folder, users, certificate, more) as broker:
        yield broker


def no_listening(folder: Path, pattern: str) -> list[str]:
    """Return the lines of a broker that refuses subscriptions to ``pattern``, by its own plug-in."""
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        missing("no mosquitto_dynamic_security.so: it comes with Debian's package mosquitto")
    deny = {"acltype": "subscribePattern", "topic": pattern, "priority": 1, "allow": False}
    rules = {
        "defaultACLAccess": {
            "publishClientSend": True,
            "publishClientReceive": True,
            "subscribe": True,
            "unsubscribe": True,
        },
        "anonymousGroup": "all",
        "clients": [],
        "groups": [{"groupname": "all", "roles": [{"rolename": "deaf"}]}],
        "roles": [{"rolename": "deaf", "acls": [deny]}],
    }
    file = folder / "rules.json"
    file.write_text(json.dumps(rules))
    return [f"plugin {plugin}", f"plugin_opt_config_file {file}"]
