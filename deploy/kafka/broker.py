"""One broker in KRaft combined mode, as a process that can be killed, stopped, continued and restarted."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lianfang.errors import LianfangError

_START_S, _STOP_S = 90.0, 20.0
_STARTED = "Kafka Server started"  # kafka.server.KafkaRaftServer, at level INFO
_JAVA = (
    "java",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # a broker that lives for minutes: quick to start, small
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
# A killed broker is let back in after its session has ended: 3 s here, by default 9.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{port}
listener.security.protocol.map=CLIENT:{protocol},CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
"""
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_SECURE = """\
sasl.enabled.mechanisms={login.mechanism}
sasl.mechanism.inter.broker.protocol={login.mechanism}
listener.name.client.{mechanism}.sasl.jaas.config={scram} required \
username="{login.user}" password="{login.password}";
ssl.keystore.type=PEM
ssl.keystore.location={login.certificate}
ssl.truststore.type=PEM
ssl.truststore.location={login.certificate}
"""


@dataclass(frozen=True)
class Login:
    """What clients must know: a user of SCRAM, and TLS with the certificate and key in a PEM file."""

    user: str
    password: str
    certificate: Path
    mechanism: str = "SCRAM-SHA-512"


class Broker:
    """A broker that keeps everything in ``folder``, on 127.0.0.1; a context manager.

    ``port`` 0 lets the system choose; a restart keeps it. ``jars`` is what ``deploy.kafka.jars()`` returns.
    With a ``login`` it speaks SASL over TLS only.
    """

    def __init__(self, folder: Path, jars: Path, port: int = 0, login: Login | None = None) -> None:
        self._folder = folder
        self._jars = jars
        self.port = port or _free_port()
        self._controller = _free_port()
        self._login = login
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients start: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it was started and neither stopped nor killed since."""
        return self._process is not None

    @property
    def log_file(self) -> Path:
        """What it says."""
        return self._folder / "broker.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it on what ``folder`` holds, return once it serves; LianfangError where it does not."""
        settings = self._folder / "server.properties"
        if not settings.exists():
            self._format(settings)
        said = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [*_with_us(), *self._java(), "kafka.Kafka", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # a Ctrl-C at the terminal is for us, who then end it in order
            )
        deadline = time.monotonic() + _START_S
        while _STARTED not in self._said_since(said):
            if self._process.poll() is not None or time.monotonic() >= deadline:
                self.kill()
                raise LianfangError(f"the broker did not start: {self._said_since(said)[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order, or with SIGKILL where that takes too long. Once more does no harm."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        self.kill()

    def kill(self) -> None:
        """Kill it with SIGKILL, stopped or not. What it had in the page cache stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it in the middle of whatever it does: connections stand, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("it does not run")
        self._process.send_signal(number)

    def _format(self, settings: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        protocol = "SASL_SSL" if self._login else "PLAINTEXT"
        text = _PROPERTIES.format(
            port=self.port, controller=self._controller, folder=self._folder, protocol=protocol
        )
        users = []
        if self._login:
            text += _SECURE.format(login=self._login, mechanism=self._login.mechanism.lower(), scram=_SCRAM)
            user = f"name={self._login.user},password={self._login.password}"
            users = ["--add-scram", f"{self._login.mechanism}=[{user}]"]
        written = settings.with_suffix(".new")
        written.write_text(text, encoding="utf-8")
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [
                *self._java(),
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={cluster}",
                "-c",
                str(written),
                *users,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LianfangError(f"the broker's storage cannot be made: {(done.stdout + done.stderr).strip()}")
        written.rename(settings)

    def _java(self) -> list[str]:
        return [*_JAVA, "-cp", f"{self._jars}/*"]

    def _said_since(self, start: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")


def _with_us() -> list[str]:
    """Return how to have it killed when we are: by the kernel, once the thread that started it has ended."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
