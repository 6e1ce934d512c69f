"""What may stand in the stanza of a sensor, and what its silence means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.pipeline.watch import Watch
from lianfang.bus import TopicPartition
from lianfang.clock import ManualClock
from lianfang.errors import ConfigError
from lianfang.events import READINGS
from tests.support.configs import loaded
from tests.support.observations import at
from tests.support.readings import GAUGE

MQTT = {"kind": "mqtt", "broker": "town", "topic": "a"}
PUSH = {"gateway": "lora"}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("no such broker", {"source": {**MQTT, "broker": "city"}}, "sensors.s.source.broker: found 'city'"),
    ("a broker where nothing may be", {"source": {**MQTT, "broker": "home"}}, "no public address"),
    ("a pattern without a match", {"source": {**MQTT, "topic": "a/+/b"}}, "'payload.match' to say which"),
    ("no pattern", {"source": {**MQTT, "topic": "a/#/b", "payload": {"match": {"/d": "x"}}}}, "source.topic"),
    ("no place", {"source": {**MQTT, "payload": {"value": "level"}}}, "source.payload.value"),
    ("a face", {"source": {**MQTT, "payload": {"attributes": {"card": "/face"}}}}, "no faces, fingers"),
    ("two ways", {"source": MQTT, "push": PUSH}, "one of 'source' and 'push'"),
    ("no such gateway", {"push": {"gateway": "none"}}, "sensors.s.push.gateway: found 'none'"),
    ("repeated by nobody", {"push": PUSH, "repeat_s": 5}, "'repeat_s' only with a 'source'"),
]


def site(folder: Path, sensor: dict[str, Any], token: str = "a-token-of-a-gateway", **rule: Any) -> Any:  # noqa: ANN401, S107
    (folder / "token").write_text(token)
    brokers = {"town": {"host": "127.0.0.1"}, "home": {"host": "192.168.1.4"}}
    return loaded(
        folder,
        ("brokers", brokers),
        ("gateways", {"lora": {"name": "网关", "token": {"file": "token"}}}),
        ("sensors", {"s": {**GAUGE, **sensor}}),
        *((f"rules.entry.{key}", value) for key, value in rule.items()),
    )


@pytest.mark.parametrize(("sensor", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_named(tmp_path: Path, sensor: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, sensor)
    assert said in str(caught.value)


def test_a_token_that_can_be_guessed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gateways\.lora\.token: found a short one"):
        site(tmp_path, {"push": PUSH}, token="short")


def test_a_rule_that_waits_for_a_sensor_needs_one_that_is_missed(tmp_path: Path) -> None:
    together = {"sensor": "s", "at_least": 1}
    assert site(tmp_path, {}, together=together)
    with pytest.raises(ConfigError, match="whose silence says nothing"):
        site(tmp_path, {"silent_s": None}, together=together)


@pytest.mark.parametrize(("silent_s", "missed"), [(60, ["s"]), (None, [])])
def test_who_only_speaks_when_something_happens_is_not_missed(
    tmp_path: Path, silent_s: float | None, missed: list[str]
) -> None:
    rule = {"kind": "reading", "name": "水位", "sensors": ["s"], "at_least": 3}
    config = loaded(tmp_path, ("sensors", {"s": {**GAUGE, "silent_s": silent_s}}), ("rules.entry", rule))
    clock, where = ManualClock(at(0)), TopicPartition(READINGS, 0)
    watch = Watch(config, clock)
    assert watch.turned([where]) == []
    clock.advance_to(at(86400 * 30))
    assert [event.source for event in watch.turned([where])] == missed
