"""What a configuration may say about Kafka, and what becomes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lianfang.bus.kafka import Access
from lianfang.config.kafka import Kafka, Sasl, brokers
from lianfang.config.stanza import Secret
from lianfang.config.tls import Tls
from lianfang.errors import ConfigError, LianfangError
from tests.support.configs import loaded


@pytest.mark.parametrize(
    ("bus", "expected"),
    [
        ("kafka://broker", ["broker:9092"]),
        ("kafka://10.0.0.1:19092", ["10.0.0.1:19092"]),
        ("kafka://a:1,b.example:65535,c", ["a:1", "b.example:65535", "c:9092"]),
        ("kafka://[::1]:9092", ["[::1]:9092"]),
    ],
)
def test_brokers(bus: str, expected: list[str]) -> None:
    assert brokers(bus) == expected


@pytest.mark.parametrize(
    "bus",
    [
        "kafka",
        "kafka://",
        "kafka://a:0",
        "kafka://a:65536",
        "kafka://a:port",
        "kafka://a,",
        "kafka://user:secret@a:9092",
        "kafka://a:9092/topic",
        "redis://a",
        "Embedded",
        "",
    ],
)
def test_another_bus_is_refused_with_what_is_allowed(tmp_path: Path, bus: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, ("bus", bus))
    (problem,) = refused.value.problems
    assert problem.key == "bus"
    assert problem.allowed == "embedded, or kafka://host:port[,host:port]"
    assert "secret" not in str(refused.value)


def test_the_default_is_embedded(tmp_path: Path) -> None:
    assert loaded(tmp_path).bus_is_embedded
    assert not loaded(tmp_path, ("bus", "kafka://a")).bus_is_embedded


@pytest.mark.parametrize(
    ("stanza", "key"),
    [
        ({"frame_partitions": 0}, "kafka.frame_partitions"),
        ({"replication": 0}, "kafka.replication"),
        ({"partitions": 3}, "kafka.partitions"),
        ({"tls": {"ca_file": "nowhere.pem"}}, "kafka.tls.ca_file"),
        ({"tls": {"cert_file": "site.yaml"}}, "kafka.tls"),
        ({"sasl": {"username": "u", "password": {"env": "NOT_SET"}}}, "kafka.sasl.password"),
        (
            {"sasl": {"mechanism": "PLAIN", "username": "u", "password": {"env": "TEST_TOKEN"}}},
            "kafka.sasl.mechanism",
        ),
        (
            {"sasl": {"mechanism": "GSSAPI", "username": "u", "password": {"env": "TEST_TOKEN"}}},
            "kafka.sasl.mechanism",
        ),
    ],
)
def test_faults_of_the_stanza_are_named(tmp_path: Path, stanza: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, ("bus", "kafka://a"), ("kafka", stanza))
    assert [problem.key for problem in refused.value.problems] == [key]


def test_access_without_security() -> None:
    found = Access.of("kafka://a:1,b:2", Kafka())
    assert found.brokers == "a:1,b:2"
    assert found.arguments["bootstrap_servers"] == ["a:1", "b:2"]
    assert found.arguments["security_protocol"] == "PLAINTEXT"
    assert "ssl_context" not in found.arguments


def test_access_with_tls_and_login_does_not_show_the_password() -> None:
    login = Sasl(username="lianfang", password=Secret(env="TEST_TOKEN"))
    found = Access.of("kafka://a", Kafka(tls=Tls(), sasl=login))
    assert found.arguments["security_protocol"] == "SASL_SSL"
    assert found.arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert found.arguments["sasl_plain_password"] == "speaker-token"
    assert found.arguments["ssl_context"].check_hostname
    assert "speaker-token" not in repr(found)


def test_a_secret_that_went_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_TOKEN")
    login = Sasl(username="lianfang", password=Secret(env="TEST_TOKEN"))
    with pytest.raises(LianfangError, match="TEST_TOKEN"):
        Access.of("kafka://a", Kafka(sasl=login))


def test_the_embedded_bus_does_without_the_client_of_kafka() -> None:
    program = "import sys, lianfang.bus.connect, alerts.service, detectors.service, ingest.service; "
    program += "sys.exit('kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
