"""``lianfang sensor``: an installer sees what comes, and how a stanza reads it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ingest.sensor_command import main
from tests.support.configs import SECRETS, changed, write
from tests.support.kafka import fresh
from tests.support.mosquitto import shared_broker
from tests.support.readings import GAUGE
from tests.support.sensors import tell


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> str:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    return fresh("town")


def site(folder: Path, town: str, port: int) -> Path:
    """Write a configuration with a gauge and a door at the broker, and one that nobody reads."""

    def of(topic: str, **payload: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"kind": "mqtt", "broker": "town", "topic": f"{town}/{topic}", "payload": payload}

    level = {"value": "/mm", "factor": 0.001, "unit": "/u", "time": "/t", "match": {"/dev": "A1"}}
    sensors = {
        "gauge": {**GAUGE, "source": of("gauge", **level)},
        "door": {**GAUGE, "unit": "", "source": of("door", attributes={"direction": "/way"}, value="/open")},
        "by_hand": GAUGE,
    }
    brokers = {"town": {"host": "127.0.0.1", "port": port}}
    return write(folder, changed(("brokers", brokers), ("sensors", sensors)))


READ: list[tuple[str, str, int, str]] = [
    (
        "gauge",
        '{"dev": "A1", "mm": 3100, "u": "m", "t": 1782900000}',
        0,
        "gauge: 3.1 m (at 2026-07-01T18:00:00",
    ),
    ("gauge", '{"dev": "A1", "mm": 9100, "u": "m", "t": 1}', 0, "NOT PLAUSIBLE: outside of low and high"),
    ("gauge", '{"dev": "A1", "mm": 310, "u": "cm", "t": 1}', 0, "WRONG UNIT: 'm' is configured"),
    (
        "gauge",
        '{"dev": "A1", "level": 3, "u": "m", "t": 1}',
        1,
        "gauge: /mm: found nothing; allowed: a value (there",
    ),
    ("gauge", '{"dev": "B2", "mm": 3}', 1, "no message of this sensor: its `match` wants /dev: A1"),
    ("gauge", "{", 1, "which is no JSON"),
    ("door", '{"open": true, "way": "in"}', 0, "door: 1 (direction in)"),
]


@pytest.mark.parametrize(("sensor", "message", "code", "said"), READ)
def test_how_a_message_is_read(
    tmp_path: Path,
    town: str,
    sensor: str,
    message: str,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["read", str(site(tmp_path, town, 1)), sensor, message]) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["read", "by_hand", "1"], ["watch", "none"], ["watch", "by_hand", "door"]]
)
def test_a_sensor_that_there_is_none_of(
    tmp_path: Path, town: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    what, *rest = arguments
    assert main([what, str(site(tmp_path, town, 1)), *rest]) == 2
    found = "'by_hand'" if what == "read" else rest[0]
    assert capsys.readouterr().err == f"SENSOR: found {found}; allowed: one of door, gauge\n"


def test_what_comes_is_printed_with_what_is_wrong_with_it(
    tmp_path: Path, town: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = shared_broker().port
    # A door that keeps saying so is heard as soon as the command listens.
    stop = threading.Event()

    def speak() -> None:
        while not stop.is_set():
            tell(
                port,
                (f"{town}/gauge", b'{"dev": "A1", "mm": 3100, "u": "m", "t": "2026-07-01T18:00:00"}'),
                (f"{town}/door", b'{"closed": 1}'),
            )

    speaking = threading.Thread(target=speak)
    speaking.start()
    try:
        code = main(["watch", str(site(tmp_path, town, port)), "--count", "4", "--seconds", "60"])
    finally:
        stop.set()
        speaking.join()
    assert code == 0
    lines = capsys.readouterr().out
    assert "connected: gauge, door" in lines
    assert "gauge: 3.1 m (at 2026-07-01T18:00:00+08:00)" in lines
    assert f"{town}/door (door): /open: found nothing; allowed: a value (there is /closed)" in lines
    assert '{"closed": 1}' in lines


def test_nothing_comes(tmp_path: Path, town: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(site(tmp_path, town, shared_broker().port)), "--seconds", "0.2"]) == 1
    assert capsys.readouterr().out.endswith("no reading in 0.2 s\n")
