"""A reading that a person says: into the log of a running installation, or a word about what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lianfang import codec
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.events import READINGS, Reading
from lianfang.reading import main
from tests.support.configs import SECRETS, changed, write
from tests.support.readings import GAUGE


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return write(tmp_path, changed(("sensors", {"gauge": GAUGE})))


@pytest.fixture
def running(file: Path) -> Iterator[Bus]:
    """The installation: whoever owns the bus of the configuration."""
    data_dir = file.parent / yaml.safe_load(file.read_text(encoding="utf-8"))["data_dir"]
    opened = EmbeddedBus.own(data_dir, clock=SystemClock())
    yield opened
    opened.close()


def readings(bus: Bus) -> list[tuple[str, Reading]]:
    consumer = bus.subscribe([READINGS], "test", "durable")
    for partition in consumer.assignment():
        consumer.seek(partition, consumer.beginning(partition))
    found = []
    for record in consumer.poll(0.5):
        event = codec.decode_event(record.value, record.headers)
        assert isinstance(event, Reading)
        found.append((record.key, event))
    consumer.close()
    return found


def test_it_is_in_the_log(file: Path, running: Bus, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(file), "gauge", "3.4", "--unit", "m", "--at", "2026-07-01T18:00"]) == 0
    assert main([str(file), "gauge", "3.5"]) == 0
    (key, first), (_, second) = readings(running)
    assert key == "cam", "the key of the point that it stands at"
    assert (first.kind, first.value, first.unit) == ("water_level", 3.4, "m")
    assert first.at.isoformat() == "2026-07-01T10:00:00+00:00", "the community's time is eight hours ahead"
    assert second.at > first.at
    assert capsys.readouterr().out.splitlines()[0] == "东岸水位: 3.4 m, 2026-07-01T18:00:00+08:00"


def test_a_value_that_it_cannot_measure_is_a_fault(
    file: Path, running: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(file), "gauge", "9"]) == 0
    assert len(readings(running)) == 1
    assert "a fault of the sensor" in capsys.readouterr().out


WRONG = [
    (["gauges", "3"], "SENSOR: found 'gauges'; allowed: gauge"),
    (["gauge", "3", "--unit", "cm"], "--unit: found 'cm'; allowed: 'm'"),
    (["gauge", "nan"], "VALUE: found nan; allowed: a number"),
    (["gauge", "3", "--at", "tomorrow"], "--at: found 'tomorrow'; allowed: a time such as 2026-07-01T18:00"),
    (
        ["gauge", "3", "--at", "2999-01-01T00:00"],
        "--at: found '2999-01-01T00:00'; allowed: a time that is not",
    ),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_what_is_wrong_is_said(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main([str(file), *arguments]) == 2
    assert capsys.readouterr().err.startswith(says)


def test_without_a_bus(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianfang.reading._WAIT_S", 0.3)
    assert main([str(file), "gauge", "3"]) == 1
    assert "within 0.3 s: does the installation run?" in capsys.readouterr().err
