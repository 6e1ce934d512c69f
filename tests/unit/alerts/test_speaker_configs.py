"""What is wrong with the stanza of a speaker is said at start, by key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from alerts.voice import sound
from lianfang.config import load
from lianfang.errors import ConfigError
from tests.support.configs import changed, write
from tests.support.rtsp_server import require_rtsp
from tests.support.voice import needs_espeak, tone

BROKER = {"host": "mqtt.example.cn", "username": "lianfang"}
MQTT: dict[str, Any] = {
    "kind": "speaker_mqtt",
    "broker": {"host": "mqtt.example.cn"},
    "command_topic": "speakers/1/cmd",
    "result_topic": "speakers/1/result",
    "status_topic": "speakers/1/status",
}

WVP: dict[str, Any] = {
    "kind": "speaker_wvp",
    "base_url": "http://10.0.0.2:18080",
    "username": "lianfang",
    "password": {"env": "TEST_TOKEN"},
    "media_url": "http://10.0.0.2",
    "media_secret": {"env": "TEST_TOKEN"},
    "device": "34020000001320000001",
    "channel": "34020000001370000001",
}

ISAPI: dict[str, Any] = {
    "kind": "speaker_isapi",
    "base_url": "http://10.0.0.3",
    "username": "lianfang",
    "password": {"env": "TEST_TOKEN"},
}

VAPIX: dict[str, Any] = ISAPI | {"kind": "speaker_vapix"}

ONVIF: dict[str, Any] = {"kind": "speaker_onvif", "url": "rtsp://10.0.0.6/live", "username": "lianfang"}

SIP: dict[str, Any] = {
    "kind": "speaker_sip",
    "uri": "sip:horn@10.0.0.4",
    "password": {"env": "TEST_TOKEN"},
    "program": "cat",  # any program that is there
}


def problems(folder: Path, stanza: dict[str, Any], *changes: tuple[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a configuration whose speaker is ``stanza``: key and what was found."""
    file = write(folder, changed(("receivers.horn", stanza), *changes))
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
        ({"play_url": True}, "play_url", "true without voice.serve"),
        ({"speaks": []}, "speaks", ""),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: dict[str, Any], key: str, found: str) -> None:
    told = problems(tmp_path, MQTT | change)
    assert [k for k, f in told if found in f] == [key], told


@pytest.mark.parametrize(
    ("voice", "key", "found"),
    [
        ({"program": "no-such-program"}, "voice.program", "no-such-program -v cmn-latn-pinyin: No such file"),
        ({"program": "false"}, "voice.program", "false -v cmn-latn-pinyin: exit code 1"),
        ({"voices": {"en": "klingonese"}}, "voice.voices.en", "The specified espeak-ng voice does not exist"),
        ({"voices": {"en": "--help"}}, "voice.voices", "--help"),
        ({"loudness_db": 0}, "voice.loudness_db", "0"),
        ({"serve": {"port": 1, "base_url": "10.0.0.5"}}, "voice.serve.base_url", "'10.0.0.5'"),
    ],
)
def test_a_wrong_voice_is_an_error_at_start(
    tmp_path: Path, voice: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    serve = {"serve": {"port": 8803, "base_url": "http://10.0.0.5:8803"}}
    told = problems(tmp_path, MQTT | {"play_url": True}, ("voice", serve | voice))
    assert [k for k, f in told if found in f] == [key], told
    assert problems(tmp_path, MQTT, ("voice", {"program": "no-such-program"})) == [], "nobody needs it"


def test_a_recording_that_is_none_is_an_error_at_start(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no sound")
    (tmp_path / "good.wav").write_bytes(sound.wav(tone(1)))
    clips = {"zh": "text.mp3", "en": "none.mp3", "yue": "good.wav"}
    told = problems(tmp_path, MQTT, ("rules.entry.speech.clips", clips))
    assert [key for key, _ in told] == ["rules.entry.speech.clips.zh", "rules.entry.speech.clips.en"]


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"base_url": "10.0.0.2:18080"}, "base_url", "'10.0.0.2:18080'"),
        ({"media_url": "http://user@10.0.0.2"}, "media_url", "with an address in it"),
        ({"device": "3402"}, "device", "'3402'"),
        ({"channel": "34020000001370000oo1"}, "channel", "'34020000001370000oo1'"),
        ({"media_secret": {"env": "NOT_SET_X"}}, "media_secret", "NOT_SET_X"),
        ({"answer_s": 0}, "answer_s", "0"),
    ],
)
def test_what_is_wrong_with_a_platform_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    assert problems(tmp_path, WVP) == []
    told = problems(tmp_path, WVP | change)
    assert [k for k, f in told if found in f] == [key], told
    no_voice = problems(tmp_path, WVP, ("voice", {"program": "no-such-program"}))
    assert [k for k, _ in no_voice] == ["voice.program"], "it speaks no text"


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"base_url": "ftp://10.0.0.3"}, "base_url", "'ftp://10.0.0.3'"),
        ({"username": "a:b"}, "username", "'a:b'"),
        ({"channel": 0}, "channel", "0"),
        ({"volume_max": 101}, "volume_max", "101"),
        ({"password": {"file": "none"}}, "password", "none"),
        ({"ca_file": "none.pem"}, "ca_file", "none.pem"),
    ],
)
def test_what_is_wrong_with_a_device_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    assert problems(tmp_path, ISAPI) == []
    told = problems(tmp_path, ISAPI | change)
    assert [k for k, f in told if found in f] == [key], told


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"base_url": "10.0.0.3"}, "base_url", "'10.0.0.3'"),
        ({"audio_device": 0}, "audio_device", "one of audio_device and audio_output"),
        ({"clips_kept": 0}, "clips_kept", "0"),
    ],
)
def test_what_is_wrong_with_a_network_speaker_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    assert problems(tmp_path, VAPIX) == []
    told = problems(tmp_path, VAPIX | change)
    assert [k for k, f in told if found in f] == [key], told


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"program": "no-such-player"}, "program", "no-such-player"),
        ({"device": "--help"}, "device", "'--help'"),
    ],
)
def test_what_is_wrong_with_a_sound_card_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    card = {"kind": "speaker_line_out", "program": "cat"}  # any program that is there
    assert problems(tmp_path, card) == []
    told = problems(tmp_path, card | change)
    assert [k for k, f in told if found in f] == [key], told


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"program": "no-such-program"}, "program", "no-such-program"),
        ({}, "modules", "no-such-folder"),
        ({"uri": "horn@10.0.0.4"}, "uri", "'horn@10.0.0.4'"),
        ({"uri": "sip:horn@10.0.0.4\n/quit"}, "uri", "'sip:horn@10.0.0.4\\n/quit'"),
        ({"uri": "sip:a b@10.0.0.4"}, "uri", "'sip:a b@10.0.0.4'"),
        ({"username": "a>b"}, "username", "'a>b'"),
        ({"server": "sip:10.0.0.5"}, "server", "'sip:10.0.0.5'"),
        ({"password": {"file": "none"}}, "password", "none"),
        ({"answer_s": 0}, "answer_s", "0"),
    ],
)
def test_what_is_wrong_with_a_sip_speaker_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    (tmp_path / "aufile.so").touch()
    assert problems(tmp_path, SIP | {"modules": str(tmp_path)}) == []
    modules = "no-such-folder" if key == "modules" else str(tmp_path)
    told = problems(tmp_path, SIP | {"modules": modules} | change)
    assert [k for k, f in told if found in f] == [key], told


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"program": "/no/such/python"}, "program", "/no/such/python: "),
        ({"program": sys.executable}, "program", "No module named 'gi'"),
        ({"url": "http://10.0.0.6/live"}, "url", "'http://10.0.0.6/live'"),
        ({"url": "rtsp://u:p@10.0.0.6/live"}, "url", ""),
        ({"password": {"file": "none"}}, "password", "none"),
    ],
)
def test_what_is_wrong_with_a_back_channel_is_said(
    tmp_path: Path, change: dict[str, Any], key: str, found: str
) -> None:
    needs_espeak()
    require_rtsp()
    assert problems(tmp_path, ONVIF) == []
    told = problems(tmp_path, ONVIF | change)
    assert [k for k, f in told if found in f] == [key], told
