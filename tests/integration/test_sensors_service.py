"""The process that reads sensors: beside the bus of an installation, and among its children."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.standalone import children
from lianfang import codec
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.events import READINGS, Reading
from tests.support.configs import SECRETS, changed, write
from tests.support.kafka import SETTINGS, connected, fresh, poll_until_assigned
from tests.support.kafka import shared_broker as shared_kafka
from tests.support.mosquitto import shared_broker
from tests.support.readings import GAUGE
from tests.support.sensors import tell


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)


def site(folder: Path, topic: str, *more: tuple[str, object]) -> Path:
    source = {"kind": "mqtt", "broker": "town", "topic": topic, "retained": True}
    brokers = {"town": {"host": "127.0.0.1", "port": shared_broker().port}}
    sensors = {"gauge": {**GAUGE, "source": source}}
    return write(folder, changed(("brokers", brokers), ("sensors", sensors), *more))


@pytest.mark.parametrize("kind", ["embedded", "kafka"])
def test_it_writes_into_the_log_of_an_installation(tmp_path: Path, kind: str) -> None:
    topic = fresh("gauge")
    bus: Bus
    if kind == "kafka":
        address = shared_kafka()
        file = site(
            tmp_path, topic, ("bus", f"kafka://{address}"), ("kafka", SETTINGS.model_dump(mode="json"))
        )
        bus = connected(address)
    else:
        file = site(tmp_path, topic)
        bus = EmbeddedBus.own(tmp_path / yaml.safe_load(file.read_text())["data_dir"], clock=SystemClock())
    consumer = bus.subscribe([READINGS], fresh("test"), "durable")
    poll_until_assigned(consumer)
    tell(shared_broker().port, (topic, b"3.4"), retain=True)
    command = [sys.executable, "-m", "lianfang", "sensors", "--config", str(file)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        records = consumer.poll(60)
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        consumer.close()
        bus.close()
    assert len(records) == 1, said.decode()
    record = records[0]
    reading = codec.decode_event(record.value, record.headers)
    assert isinstance(reading, Reading)
    assert (record.key, reading.value, reading.unit) == ("cam", 3.4, "m")
    assert record.headers["schema"] == "reading/1.1"
    assert process.returncode == 0, said.decode()


def test_an_installation_reads_sensors_where_one_has_a_source(tmp_path: Path) -> None:
    with_one = site(tmp_path, "gauge")
    assert children(with_one, load(with_one), "info")[-1].arguments[0] == "sensors"
    without = write(tmp_path, changed(("sensors", {"gauge": GAUGE})))
    assert "sensors" not in [child.name for child in children(without, load(without), "info")]
