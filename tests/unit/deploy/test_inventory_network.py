"""The network sheet: every connection, what uplinks carry, and the lines of a firewall."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from deploy.inventory.command import main
from deploy.inventory.flows import Flow, Rates, flows
from tests.support.configs import SECRETS, changed, loaded, write


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


URL, SUB = "rtsp://10.0.0.11/main", "rtsp://10.0.0.11/sub"
CHANGES = (
    ("uplinks", {"radio": {"name": "无线"}}),
    ("cameras.cam.uplink", "radio"),
    ("cameras.cam.source", {"kind": "rtsp", "url": URL, "sub_url": SUB, "transport": "udp"}),
    ("cameras.cam2.uplink", "radio"),
    ("cameras.cam2.source", {"kind": "rtsp", "url": "rtsp://10.0.0.12:8554/b"}),
    (
        "cameras.door",
        {
            "name": "门",
            "point": "gate",
            "source": {"kind": "http_snapshot", "url": "http://door.town/p", "every_s": 4},
        },
    ),
    (
        "cameras.vf",
        {"name": "门2", "point": "gate", "source": {"kind": "onvif", "url": "http://10.0.0.13:8000"}},
    ),
    (
        "cameras.nvr",
        {
            "name": "门3",
            "point": "gate",
            "source": {"kind": "nvr", "make": "hikvision", "host": "10.0.0.14", "channel": 3},
        },
    ),
    (
        "receivers.horn4g",
        {
            "kind": "speaker_mqtt",
            "broker": {"host": "10.0.0.5", "tls": {}},
            "command_topic": "c",
            "result_topic": "r",
        },
    ),
    ("brokers", {"town": {"host": "10.0.0.6"}}),
    ("dead_man", {"url": "https://dead.man/x"}),
    ("bus", "kafka://10.0.0.7:9092"),
    ("store", "postgresql://u@10.0.0.8/lianfang"),
)


def test_every_connection_is_there(tmp_path: Path) -> None:
    found = [*flows(loaded(tmp_path, *CHANGES), Rates(), {})]
    places = {(f.device, f.host, f.port, f.protocol, f.transport, f.direction) for f in found}
    assert places == {
        ("cam", "10.0.0.11", 554, "rtsp", "tcp", "out"),
        ("cam", "10.0.0.11", 0, "rtp", "udp", "in"),
        ("cam2", "10.0.0.12", 8554, "rtsp", "tcp", "out"),
        ("door", "door.town", 80, "http", "tcp", "out"),
        ("vf", "10.0.0.13", 8000, "http", "tcp", "out"),
        ("vf", "10.0.0.13", 554, "rtsp", "tcp", "out"),
        ("nvr", "10.0.0.14", 554, "rtsp", "tcp", "out"),
        ("horn", "127.0.0.1", 1, "http", "tcp", "out"),
        ("horn4g", "10.0.0.5", 8883, "mqtt", "tcp", "out"),
        ("police", "police.test", 80, "http", "tcp", "out"),
        ("town", "10.0.0.6", 1883, "mqtt", "tcp", "out"),
        ("console", "127.0.0.1", 8800, "http", "tcp", "in"),
        ("dead_man", "dead.man", 443, "https", "tcp", "out"),
        ("bus", "10.0.0.7", 9092, "kafka", "tcp", "out"),
        ("store", "10.0.0.8", 5432, "postgresql", "tcp", "out"),
    }


@pytest.mark.parametrize(
    ("change", "camera", "stream", "mbps"),
    [
        ((), "cam", "sub", 0.5),
        ((("cameras.cam.stream", "main"),), "cam", "main", 4),
        ((("cameras.cam.sub_width", 1280),), "cam", "sub", 2),
        ((), "cam2", "main", 4),
        ((), "door", "main", 0.4),
    ],
)
def test_a_camera_carries_the_stream_that_is_read(
    tmp_path: Path, change: tuple[tuple[str, object]], camera: str, stream: str, mbps: float
) -> None:
    (flow,) = (
        f for f in flows(loaded(tmp_path, *CHANGES, *change), Rates(), {}) if f.device == camera and f.stream
    )
    assert (flow.stream, flow.mbps, flow.basis) == (stream, mbps, "table")


def test_what_was_measured_goes_before_the_table(tmp_path: Path) -> None:
    found = {
        f.device: f for f in flows(loaded(tmp_path, *CHANGES), Rates(), {"cam": 0.7, "cam2": 6.1}) if f.stream
    }
    assert [(found[name].mbps, found[name].basis) for name in ("cam", "cam2", "door")] == [
        (0.7, "measured"),
        (6.1, "measured"),
        (0.4, "table"),
    ]
    assert found["cam"].main_mbps == 4


def test_a_camera_that_is_off_and_one_of_a_file_need_no_network(tmp_path: Path) -> None:
    (tmp_path / "x.avi").touch()
    file = ("cameras.cam2.source", {"kind": "file", "path": "x.avi"})
    found = flows(loaded(tmp_path, *CHANGES, ("cameras.cam.enabled", False), file), Rates(), {})
    assert not {"cam", "cam2"} & {f.device for f in found}


def rows(folder: Path, name: str) -> list[list[str]]:
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return [*csv.reader(file)]


def test_sums_and_lines_of_a_firewall(tmp_path: Path) -> None:
    more = [
        (
            f"cameras.c{n}",
            {"name": f"{n}", "point": "gate", "source": {"kind": "rtsp", "url": f"rtsp://10.0.1.{n}/x"}},
        )
        for n in (8, 9, 10, 20)
    ]
    config = write(tmp_path, changed(*CHANGES, *more))
    assert main(["network", str(config), str(tmp_path / "net"), "--main", "6", "--language", "en"]) == 0
    assert rows(tmp_path / "net", "uplink load.csv") == [
        ["uplink", "name", "cameras", "used Mb/s", "all main streams Mb/s"],
        ["radio", "无线", "2", "6.5", "12"],
        ["(none)", "", "7", "25.4", "36.4"],
        ["(all)", "", "9", "31.9", "48.4"],
    ]
    lines = rows(tmp_path / "net", "firewall.csv")
    assert ["lianfang", "10.0.1.8-10.0.1.10", "tcp", "554", "rtsp", "3"] in lines
    assert ["lianfang", "10.0.1.20", "tcp", "554", "rtsp", "1"] in lines
    assert ["10.0.0.11", "lianfang", "udp", "1024-65535", "rtp", "1"] in lines
    assert ["lianfang", "door.town", "tcp", "80", "http", "1"] in lines
    assert not any("127.0.0.1" in line for line in lines), "what stays on this machine passes no firewall"
    assert rows(tmp_path / "net", "network.csv")[1][:5] == ["cam", "一号", "bank", "radio", "10.0.0.11"]


def test_a_flow_that_carries_little_counts_for_nothing() -> None:
    assert Flow("a", "a", "", "", "h", 80, "http", "tcp").mbps == 0


def test_a_camera_that_cannot_be_measured_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = {"kind": "http_snapshot", "url": "http://10.0.0.3/"}
    changes = (("cameras.cam.source.url", "rtsp://127.0.0.1:1/x"), ("cameras.cam2.source", snapshot))
    config = write(tmp_path, changed(*changes))
    assert main(["network", str(config), str(tmp_path / "net.xlsx"), "--measure", "1"]) == 0
    of_cam2, of_cam = capsys.readouterr().err.splitlines()
    assert of_cam.startswith("not measured: cam: refused")
    assert of_cam2.startswith("not measured: cam2: no_video")
