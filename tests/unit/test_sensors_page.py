"""The examples of docs/sensors.md are a configuration that loads, and reads the messages beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ingest.sensing import connections
from lianfang.config.payload import Payload
from lianfang.payloads import is_of, measured, parsed
from tests.support.configs import loaded

PAGE = (Path(__file__).parents[2] / "docs" / "sensors.md").read_text(encoding="utf-8")


def test_the_examples_are_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MQTT_PASSWORD", "LORA_TOKEN", "FRAUD_TOKEN"):
        monkeypatch.setenv(name, "a-secret-of-sixteen-characters")
    example = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    config = loaded(tmp_path, *example.items())
    (read,) = connections(config)
    assert len(read) == sum(sensor.source is not None for sensor in config.sensors.values())
    rows = [line.split("|")[1:4] for line in PAGE.splitlines() if line.startswith("| `")]
    messages = {cells[0].strip(" `"): (cells[1].strip(" `"), float(cells[2])) for cells in rows}
    assert messages.keys() == config.sensors.keys()
    for name, (message, value) in messages.items():
        sensor = config.sensors[name]
        payload = getattr(sensor.push or sensor.source, "payload", None)
        assert isinstance(payload, Payload)
        data = parsed(message.encode())
        assert is_of(payload, data), name
        assert measured(payload, data, config.community.zone).value == pytest.approx(value), name
