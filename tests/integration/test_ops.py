"""The services apart answer those who run them, and tell the truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from deploy.demo.site import free_port
from lianfang.bus.embedded import EmbeddedBus
from lianfang.errors import LianfangError
from lianfang.ops import ops
from tests.e2e.installation import until
from tests.support.configs import SECRETS, changed, write


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_it_says_what_is_wrong_as_soon_as_it_is() -> None:
    states = {"bus": "ok"}
    registry = CollectorRegistry()
    Counter("looked", "Looks", registry=registry).inc(3)
    with ops(0, registry, lambda: states) as port:
        assert ask(port, "/healthz")[0] == 200
        assert ask(port, "/readyz") == (200, '{"ready": true, "components": {"bus": "ok"}}')
        assert "looked_total 3.0" in ask(port, "/metrics")[1]
        states["bus"] = "断开"
        status, body = ask(port, "/readyz")
        assert (status, json.loads(body)["components"]) == (503, {"bus": "断开"})
        assert ask(port, "/healthz")[0] == 200, "the process lives all the same"
        assert ask(port, "/etc/passwd")[0] == 404
    assert ask(port, "/healthz")[0] == 0


def test_a_port_that_is_taken_is_said() -> None:
    with (
        ops(0, CollectorRegistry(), dict) as port,
        pytest.raises(LianfangError, match=f"127.0.0.1:{port}"),
        ops(port, CollectorRegistry(), dict),
    ):
        pass


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EmbeddedBus]:
    opened = EmbeddedBus.own(tmp_path / "data")
    yield opened
    opened.close()


@pytest.mark.parametrize("service", ["ingest", "detect"])
def test_a_service_apart_is_ready_when_it_works_and_ends_when_asked(
    tmp_path: Path, bus: EmbeddedBus, service: str
) -> None:
    del bus  # it only has to be there
    port = free_port(0)
    command = [sys.executable, "-m", "lianfang", service, "--config", str(write(tmp_path, changed()))]
    process = subprocess.Popen(
        [*command, "--ops-port", str(port)], env={**os.environ, **SECRETS}, stderr=subprocess.PIPE, text=True
    )
    until("readiness", lambda: ask(port, "/readyz")[0] == 200)
    assert "lianfang_" in ask(port, "/metrics")[1]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
