"""Clips as receivers get them: behind links, within the message, or said to be elsewhere or missing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channels import gat1400, webhook
from alerts.channels.base import Delivery, Receipt
from alerts.channels.gat1400 import Gat1400Channel
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.police import PoliceReceiver, Received
from deploy.simulators.viid_objects import InvalidObjectError, check
from lianfang.config import Config
from tests.support.channels import KEYS, delivery_of, picture, secret_in_env, send, silent, webhook_channel
from tests.support.outbox import T0, notice
from tests.support.video import write_clip
from tests.support.viid import about, answer, counts, only, stanza, with_library

DEVICE = "44200000001190000001"
UNREAD = Config.model_construct(cameras={}, receivers={}, detectors={})  # type: ignore[call-arg]
SECONDS = 4.8  # from the first picture to the last


@cache
def film() -> bytes:
    """Return 25 pictures, 5 a second."""
    with TemporaryDirectory() as folder:
        return write_clip(Path(folder) / "clip.mp4", count=25, fps=5, width=64, height=48).read_bytes()


def clip(**changed: object) -> dict[str, Any]:
    data = film()
    return {
        "id": "clip-1",
        "state": "kept",
        "begins_at": T0.isoformat(),
        "ends_at": (T0 + timedelta(seconds=SECONDS)).isoformat(),
        "frames": 25,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "missing": "",
        "path": "/api/clips/clip-1.mp4",
        **changed,
    }


GONE = {"id": "clip-1", "state": "missing", "missing": "no picture of that time was kept"}


def told(**changed: object) -> Delivery:
    """Return what says that the clip is made."""
    payload = notice("incident-1", 3) | {"change": "clip", "clip": clip(), **changed}
    return replace(delivery_of(payload, pictures=(picture(),)), film=film)


def links(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    return {"base_url": "https://us.example/", "secret": secret_in_env(monkeypatch, "k"), "valid_h": 72}


def taken(monkeypatch: pytest.MonkeyPatch, delivery: Delivery, **changed: Any) -> Received:  # noqa: ANN401
    """Return what a webhook's receiver makes of two attempts at a delivery."""

    async def run() -> Received:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            for attempt in (1, 2):
                channel = webhook_channel(police.url, monkeypatch, **changed)
                (got,) = await send(channel, replace(delivery, attempt=attempt))
                assert isinstance(got, Receipt), got
            (received,) = police.received
            assert len(police.repeats) == 1
            return received

    return asyncio.run(run())


def test_webhook_brings_the_link_to_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    received = taken(monkeypatch, told(), picture_links=links(monkeypatch))
    shown = json.loads(received.body)["clip"]
    assert shown["url"].startswith("https://us.example/pictures/clip-1/clip.mp4?until=")
    assert datetime.fromisoformat(shown["expires_at"]) == T0 + timedelta(hours=72)
    assert (shown["sha256"], shown["data_base64"]) == (hashlib.sha256(film()).hexdigest(), "")


def test_webhook_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = json.loads(taken(monkeypatch, told(), clips="told").body)["clip"]
    assert (shown["url"], shown["data_base64"], shown["path"]) == ("", "", "/api/clips/clip-1.mp4")
    assert (shown["frames"], shown["missing"]) == (25, "")


def test_webhook_brings_the_film_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    received = taken(monkeypatch, told(), clips="inline")
    assert received.notice.clip is not None
    assert base64.b64decode(received.notice.clip.data_base64) == film()
    assert [shown.kind for shown in received.notice.pictures] == ["original"]


def test_a_film_for_which_there_is_no_room_goes_before_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(told(clip=clip(size_bytes=70_000)), film=lambda: bytes(70_000))
    received = taken(monkeypatch, large, clips="inline", max_body_bytes=64 * 1024)
    assert received.notice.clip is not None
    assert received.notice.clip.data_base64 == ""
    assert received.notice.clip.missing.startswith("left out: the message would have had ")
    assert len(received.notice.pictures) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_what_is_not_there_is_not_brought(monkeypatch: pytest.MonkeyPatch, gone: bool) -> None:
    delivery = replace(told(), film=(lambda: None) if gone else None)
    received = taken(monkeypatch, delivery, clips="inline")
    assert received.notice.clip is not None
    assert (received.notice.clip.data_base64, received.notice.clip.state) == ("", "kept")


def test_that_there_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for keys in ({"clips": "told"}, {"clips": "inline"}, {"picture_links": links(monkeypatch)}):
        received = taken(monkeypatch, replace(told(clip=GONE), film=None), **keys)
        assert received.notice.clip is not None
        assert received.notice.clip.missing == "no picture of that time was kept"


@pytest.mark.parametrize(
    "wrong",
    [
        {"begins_at": None},
        {"sha256": ""},
        {"url": "https://us.example/x"},
        {"data_base64": "AAAA"},
        {"state": "missing"},
        {"data_base64": base64.b64encode(b"no film").decode(), "size_bytes": 7},
    ],
    ids="+".join,
)
def test_the_simulated_platform_takes_no_half_clip(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object]
) -> None:
    async def run() -> list[str]:
        async with PoliceReceiver(KEYS[:1], say=silent) as police:
            channel = webhook_channel(police.url, monkeypatch)
            await send(channel, replace(told(clip=clip(**wrong)), film=None))
            return police.refused

    (why,) = asyncio.run(run())
    assert "clip" in why


def a_clip(change: str = "clip") -> Delivery:
    return replace(about("zone_entry", change=change, clip=clip(), version=2), film=film)


def test_library_gets_the_link_to_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("zone_entry"))
        person = only(library, "Persons")
        got = await answer(channel, a_clip())
        assert only(library, "Persons") is person, "nothing of it has changed"
        slice_ = only(library, "VideoSlices")["VideoSliceInfo"]
        assert got == Receipt("taken", slice_["VideoID"])
        assert slice_["VideoID"].startswith(f"{DEVICE}0120250601160000")
        assert (slice_["BeginTime"], slice_["EndTime"]) == ("20250601160000", "20250601160004")
        assert (slice_["VideoLen"], slice_["FileSize"]) == (SECONDS, len(film()))
        assert slice_["StoragePath"].startswith("https://us.example/pictures/clip-1/clip.mp4?until=")

    with_library(test, monkeypatch, picture_links=links(monkeypatch))


def test_library_gets_the_film_and_gives_it_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, a_clip("confirmed"))  # the first that it hears
        assert counts(library) == {"Persons": 1, "VideoSlices": 1}
        assert base64.b64decode(only(library, "VideoSlices")["Data"]) == film()
        await answer(channel, a_clip("cleared"))
        assert [name for name, _ in library.posts if name == "VideoSlices"] == ["VideoSlices"]
        assert isinstance(await answer(channel, a_clip("false_alarm")), Receipt)
        assert counts(library) == {}

    with_library(test, monkeypatch, clips="inline")


@pytest.mark.parametrize("why", ["missing", "not along", "gone"])
def test_library_has_no_word_for_a_clip_that_is_missing(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    message = about("zone_entry", change="clip", clip=GONE if why == "missing" else clip())
    delivery = replace(message, film=(lambda: None) if why == "gone" else None)

    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        assert await answer(channel, delivery) == Receipt("not needed", "there is no clip to show")
        assert counts(library) == {}

    with_library(test, monkeypatch, clips="inline")


def right(**changed: object) -> dict[str, Any]:
    """Return a slice that is right, but for what was changed of it."""
    info: dict[str, object] = {
        "VideoID": f"{DEVICE}012025060116000000001",
        "InfoKind": 1,
        "VideoSource": "99",
        "IsAbstractVideo": False,
        "EventSort": 20,
        "DeviceID": DEVICE,
        "FileFormat": "Mp4",
        "AudioFlag": 0,
        "Title": "t",
        "ContentDescription": "c",
        "BeginTime": "20250601160000",
        "EndTime": "20250601160004",
        "VideoLen": SECONDS,
        "FileSize": len(film()),
    }
    outer: dict[str, object] = {"VideoSliceInfo": info, "Data": base64.b64encode(film()).decode()}
    for key, value in changed.items():
        (outer if key in outer else info)[key] = value
    return outer


@pytest.mark.parametrize(
    "wrong",
    [
        {"VideoID": f"{DEVICE}022025060116000000001"},
        {"VideoID": f"{DEVICE[:-1]}2012025060116000000001"},
        {"FileFormat": "Avi"},
        {"EndTime": "20250601155959"},
        {"VideoLen": 20.0},
        {"FileSize": 1},
        {"Data": ""},
        {"Data": base64.b64encode(bytes(100)).decode(), "FileSize": 100},
        {"StoragePath": "http://us/"},
        {"Something": 1},
    ],
    ids="+".join,
)
def test_the_simulated_library_takes_no_half_slice(wrong: dict[str, object]) -> None:
    check("VideoSlices", right(), frozenset())
    with pytest.raises(InvalidObjectError):
        check("VideoSlices", right(**wrong), frozenset())


def test_half_a_film_is_none() -> None:
    half = film()[: len(film()) // 2]
    with pytest.raises(InvalidObjectError):
        check("VideoSlices", right(Data=base64.b64encode(half).decode(), FileSize=len(half)), frozenset())


Made = Callable[[pytest.MonkeyPatch, dict[str, object]], webhook.Config | gat1400.Config]


def a_webhook(monkeypatch: pytest.MonkeyPatch, keys: dict[str, object]) -> webhook.Config:
    one = {"kind": "webhook", "url": "http://8.8.8.8/", "secrets": [secret_in_env(monkeypatch, KEYS[0])]}
    return webhook.Config.model_validate({**one, **keys})


def a_library(monkeypatch: pytest.MonkeyPatch, keys: dict[str, object]) -> gat1400.Config:
    return stanza("http://8.8.8.8", monkeypatch, tollgates={}, **keys)


@pytest.mark.parametrize(
    ("make", "keys", "faults"),
    [
        (a_webhook, {"clips": "told"}, []),
        (a_webhook, {"clips": "inline"}, []),
        (a_webhook, {"clips": "inline", "picture_links": ...}, [("clips",)]),
        (a_library, {"clips": "told"}, [("clips",)]),
        (a_library, {"clips": "told", "picture_links": ...}, []),
        (a_library, {"clips": "inline"}, []),
    ],
)
def test_what_is_wrong_with_a_stanza(
    monkeypatch: pytest.MonkeyPatch, make: Made, keys: dict[str, object], faults: list[tuple[str]]
) -> None:
    keys = {key: links(monkeypatch) if value is ... else value for key, value in keys.items()}
    assert [problem.key for problem in make(monkeypatch, keys).check(UNREAD)] == faults
    with pytest.raises(ValidationError):
        make(monkeypatch, {**keys, "clips": "yes"})
