from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest
from pydantic import ValidationError

from ingest.sources import file, rtsp
from ingest.sources.base import Asked, SourceLost
from lianfang import plugins
from lianfang.clock import SystemClock
from tests.support.reading import configured

EMPTY = configured({})


def rtsp_problems(**stanza: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    config = rtsp.Config.model_validate({"kind": "rtsp", **stanza})
    return [(".".join(map(str, p.key)), p.found) for p in config.check(EMPTY)]


def test_the_plug_ins_are_found() -> None:
    assert plugins.kinds("ingest.sources") == [
        "file",
        "http_snapshot",
        "mjpeg",
        "nvr",
        "onvif",
        "rtsp",
        "wvp",
    ]


def test_every_allowed_format_is_one_of_ffmpegs() -> None:
    assert set(file.FORMATS) <= av.formats_available


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.1/live",
        "rtsps://camera.example:322/live",
        "rtsp://admin:p%2Fw@10.0.0.1:554/live?channel=1",
        "rtsp://admin:p@w@10.0.0.1/live",  # FFmpeg takes the last @, and so do we
        "rtsp://[fd00::1]:554/live",
    ],
)
def test_addresses_that_are_right(url: str) -> None:
    assert rtsp_problems(url=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:s3cret@10.0.0.1/live",
        "rtsp://admin:s3cret/1@10.0.0.1/live",
        "rtsp://admin:s3cret#1@10.0.0.1/live",
        "rtsp://admin:s3cret?1@10.0.0.1/live",
        "rtsp://admin:s3cret@",
        "rtsp://admin:s3cret@10.0.0.1:port/live",
        "rtsp://[admin:s3cret@10.0.0.1/live",
        "/dev/s3cret",
    ],
)
def test_addresses_that_are_wrong_are_named_without_their_password(url: str) -> None:
    problems = rtsp_problems(url=url)
    assert [key for key, _ in problems] == ["url"]
    assert "s3cret" not in str(problems)
    source = rtsp.build(rtsp.Config(kind="rtsp", url=url), SystemClock())
    with pytest.raises(SourceLost) as lost:
        next(source.open(threading.Event(), Asked()))
    assert "s3cret" not in str(lost.value)


@pytest.mark.parametrize(
    ("stanza", "key"),
    [
        ({"username": "admin", "url": "rtsp://admin:x@10.0.0.1/"}, "username"),
        ({"password": {"env": "CAMERA_PASSWORD"}, "url": "rtsp://10.0.0.1/"}, "password"),
    ],
)
def test_credentials_stand_in_one_place(stanza: dict[str, Any], key: str) -> None:
    assert [k for k, _ in rtsp_problems(**stanza)] == [key]


def test_the_sub_stream_has_an_address_of_its_own_and_the_same_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "s/3")
    login = {"username": "admin", "password": {"env": "CAMERA_PASSWORD"}}
    both = {"kind": "rtsp", "url": "rtsp://10.0.0.1/1", "sub_url": "rtsp://10.0.0.1/2", **login}
    config = rtsp.Config.model_validate(both)
    assert rtsp.build(config, SystemClock()).streams == ("main", "sub")
    assert config.address_of("sub") == "rtsp://admin:s%2F3@10.0.0.1/2"
    assert config.address_of("main") == "rtsp://admin:s%2F3@10.0.0.1/1"
    one = rtsp.Config.model_validate({"kind": "rtsp", "url": "rtsp://10.0.0.1/1"})
    assert one.streams == ("main",)
    assert one.address_of("sub") == "rtsp://10.0.0.1/1"


def test_a_sub_stream_at_a_wrong_address_is_named_without_its_password() -> None:
    problems = rtsp_problems(url="rtsp://10.0.0.1/1", sub_url="http://admin:s3cret@10.0.0.1/2")
    assert problems == [("sub_url", "an address of another kind")]


def test_a_password_that_cannot_be_read_is_a_loss() -> None:
    config = rtsp.Config.model_validate(
        {"kind": "rtsp", "url": "rtsp://127.0.0.1/", "username": "a", "password": {"env": "NO_SUCH_VARIABLE"}}
    )
    with pytest.raises(SourceLost, match="NO_SUCH_VARIABLE is unset"):
        next(rtsp.build(config, SystemClock()).open(threading.Event(), Asked()))


@pytest.mark.parametrize(
    "stanza",
    [
        {"transport": "http"},
        {"open_timeout_s": 0},
        {"read_timeout_s": -1},
        {"pasword": "x"},
    ],
)
def test_wrong_keys_and_values_are_refused(stanza: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rtsp.Config.model_validate({"kind": "rtsp", "url": "rtsp://10.0.0.1/", **stanza})


def test_a_missing_file_is_a_problem_and_a_loss(tmp_path: Path) -> None:
    config = file.Config(kind="file", path=tmp_path / "nothing.mp4")
    assert [(p.key, p.allowed) for p in config.check(EMPTY)] == [(("path",), "a video file")]
    with pytest.raises(SourceLost, match="not_found: No such file"):
        next(file.build(config, SystemClock()).open(threading.Event(), Asked()))


def test_a_start_without_an_offset_is_refused() -> None:
    with pytest.raises(ValidationError):
        file.Config(kind="file", path=Path("a.mp4"), start=datetime(2025, 1, 1))  # noqa: DTZ001 - that is the point
    assert file.Config(kind="file", path=Path("a.mp4"), start=datetime(2025, 1, 1, tzinfo=UTC)).start
