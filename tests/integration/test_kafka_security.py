"""A real broker that speaks SASL over TLS only."""

from __future__ import annotations

import gc
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka import Broker, Login
from lianfang.bus.connect import join
from lianfang.bus.kafka import Access, KafkaBus, Topic
from lianfang.clock import SystemClock
from lianfang.config.kafka import Kafka
from lianfang.config.tls import Tls
from lianfang.errors import TransientError
from lianfang.events import OBSERVATIONS
from tests.contract.bus_contract import publish_frame, read
from tests.support.configs import loaded
from tests.support.kafka import open_files, own_broker

# A handshake that is given up in the middle leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning")
USER, PASSWORD = "lianfang", "a-secret-of-brokers"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file with a key and its certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
    name = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made.split(), *name], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


@pytest.fixture(scope="module")
def broker(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker(tmp_path_factory.mktemp("broker"), Login(USER, PASSWORD, certificate)) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    gc.collect()


def stanza(certificate: Path) -> dict[str, object]:
    return {
        "tls": {"ca_file": str(certificate)},
        "sasl": {"username": USER, "password": {"env": "TEST_KAFKA"}},
    }


def test_a_service_logs_in_over_tls(
    broker: Broker, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KAFKA", PASSWORD)
    config = loaded(tmp_path, ("bus", f"kafka://{broker.address}"), ("kafka", stanza(certificate)))
    with join(config, SystemClock(), threading.Event()) as bus:
        assert bus is not None
        consumer = bus.subscribe([OBSERVATIONS], "group")
        bus.publish(OBSERVATIONS, "gate", b"over TLS", {}).result(30)
        (record,) = read(consumer, 1)
        consumer.close()
        assert record.value == b"over TLS"
        reference = publish_frame(bus, "cam", 0, b"jpeg")
        assert bus.fetch(reference).value == b"jpeg"


def test_a_wrong_password_is_not_shown(
    broker: Broker, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KAFKA", "another-secret")
    config = loaded(tmp_path, ("bus", f"kafka://{broker.address}"), ("kafka", stanza(certificate)))
    with pytest.raises(TransientError, match=r"(?i)authentication|disconnected") as refused:
        KafkaBus.connect(Access.of(config.bus, config.kafka), [Topic("any", 1, 1)], timeout_s=2)
    assert "another-secret" not in str(refused.value)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted_and_that_is_said(broker: Broker) -> None:
    access = Access.of(f"kafka://{broker.address}", Kafka(tls=Tls()))
    files, threads = open_files(), threading.active_count()
    gc.disable()
    try:
        with pytest.raises(TransientError, match="CERTIFICATE_VERIFY_FAILED"):
            KafkaBus.connect(access, [Topic("any", 1, 1)], timeout_s=2)
        assert open_files() <= files, "what could not be connected is closed"
        assert threading.active_count() <= threads
    finally:
        gc.enable()
