"""What is wrong with the stanza of a speaker is said at start, by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianfang.config import load
from lianfang.errors import ConfigError
from tests.support.configs import changed, write

BROKER = {"host": "mqtt.example.cn", "username": "lianfang"}
MQTT: dict[str, Any] = {
    "kind": "speaker_mqtt",
    "broker": {"host": "mqtt.example.cn"},
    "command_topic": "speakers/1/cmd",
    "result_topic": "speakers/1/result",
    "status_topic": "speakers/1/status",
}


def problems(folder: Path, stanza: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a configuration whose speaker is ``stanza``: key and what was found."""
    file = write(folder, changed(("receivers.horn", stanza)))
    try:
        load(file)
    except ConfigError as error:
        return [(problem.key.removeprefix("receivers.horn."), problem.found) for problem in error.problems]
    return []


def test_a_good_one(tmp_path: Path) -> None:
    assert problems(tmp_path, MQTT) == []


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"broker": {}}, "broker.host", ""),
        ({"broker": {"host": "mqtt://example.cn"}}, "broker.host", "'mqtt://example.cn'"),
        ({"broker": {"host": "h", "port": 0}}, "broker.port", "0"),
        ({"broker": {"host": "h", "password": {"env": "HOME"}}}, "broker.password", "a password without"),
        ({"broker": BROKER | {"password": {"env": "NOT_SET_X"}}}, "broker.password", "NOT_SET_X"),
        ({"broker": {"host": "h", "tls": {"ca_file": "none.pem"}}}, "broker.tls.ca_file", "none.pem"),
        ({"broker": {"host": "h", "tls": {"cert_file": "config.yaml"}}}, "broker.tls", "one of cert_file"),
        ({"command_topic": "speakers/+/cmd"}, "command_topic", "'speakers/+/cmd'"),
        ({"result_topic": "speakers/1/cmd"}, "result_topic", "speakers/1/cmd"),
        ({"status_topic": "speakers/1/result"}, "status_topic", "speakers/1/result"),
        ({"status_topic": None, "heartbeat_s": 60}, "heartbeat_s", "60 without status_topic"),
        ({"results": {"1": "done"}}, "results.1", "'done'"),
        ({"speaks": ["fr"]}, "speaks.0", "'fr'"),
        ({"speaks": []}, "speaks", ""),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: dict[str, Any], key: str, found: str) -> None:
    told = problems(tmp_path, MQTT | change)
    assert [k for k, f in told if found in f] == [key], told
