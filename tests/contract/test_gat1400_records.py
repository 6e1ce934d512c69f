"""Records of cameras and tollgates at a view library: uploaded, kept current, refused once and by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from alerts.channels import gat1400
from alerts.viid import upload
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from lianfang.clock import SystemClock
from lianfang.errors import TransientError
from tests.support.channels import silent
from tests.support.configs import SECRETS
from tests.support.delivery import until
from tests.support.records import CAMERA, GATE, RECORD, Known, complete
from tests.support.viid import stanza

SECOND = "44200000001190000002"
BOTH = (
    ("cameras.cam2.device_code", SECOND),
    ("cameras.cam2.record", {**RECORD, "ip_address": "10.1.2.4", "port": 554}),
)


def kept(
    test: Callable[[ViewLibrary, Known], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    site: Known,
    library: ViewLibrary | None = None,
    **changed: object,
) -> list[Any]:
    """Run ``test`` beside a channel that is kept; return what was logged."""

    async def run() -> None:
        async with library or ViewLibrary(say=silent) as there:
            settings = stanza(there.url, monkeypatch, tollgates={"cam": GATE}, keepalive_s=1, **changed)
            channel = gat1400.build(settings, SystemClock(), site)
            keeping = asyncio.create_task(channel.keep())
            try:
                await test(there, site)
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                await channel.close()

    monkeypatch.setattr(upload.Upload.keep, "__defaults__", (0.02,))
    with capture_logs() as logs:
        asyncio.run(run())
    return [log for log in logs if log["event"].startswith("record")]


def test_records_are_posted_once_and_changed_with_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, site: Known) -> None:
        cameras = library.objects["APEs"]
        await until(lambda: cameras and library.objects["Tollgates"])
        assert cameras[CAMERA]["IsOnline"] == "1"
        site.said["cam"] = "offline"
        await until(lambda: cameras[CAMERA]["IsOnline"] == "2")
        site.known = complete(tmp_path, ("cameras.cam.name", "一号机"))
        await until(lambda: cameras[CAMERA]["Name"] == "一号机")
        assert library.posts == [("APEs", [CAMERA]), ("Tollgates", [GATE["code"]])]
        assert library.puts == [("APEs", [CAMERA])] * 2

    (told,) = kept(test, monkeypatch, _site(tmp_path, monkeypatch))
    assert (told["event"], told["name"]) == ("record_incomplete", "cam2")
    assert told["lacks"].startswith("device_code, record.model")


def test_a_platform_that_has_forgotten_us_is_told_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, _known: Known) -> None:
        await until(lambda: len(library.posts) == 2)
        library.objects["APEs"].clear()
        library.forget()
        await until(lambda: library.registrations == 2 and len(library.posts) == 4)
        assert library.objects["APEs"].keys() == {CAMERA}

    kept(test, monkeypatch, _site(tmp_path, monkeypatch))


def test_a_record_that_it_has_lost_is_posted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, site: Known) -> None:
        await until(lambda: len(library.posts) == 2)
        library.objects["APEs"].clear()
        site.said["cam"] = "offline"
        await until(lambda: library.objects["APEs"])
        assert (library.puts, library.posts[2:]) == ([("APEs", [CAMERA])], [("APEs", [CAMERA])])

    kept(test, monkeypatch, _site(tmp_path, monkeypatch))


def test_of_a_list_only_the_busy_one_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, _known: Known) -> None:
        library.codes.extend([2, 0, 0])
        await until(lambda: len(library.objects["APEs"]) == 2 and library.objects["Tollgates"])
        lists = [ids for collection, ids in library.posts if collection == "APEs"]
        assert lists == [[CAMERA, SECOND], [CAMERA]]

    logs = kept(test, monkeypatch, _site(tmp_path, monkeypatch, *BOTH))
    assert [log["event"] for log in logs] == ["records_wait"]


def test_what_it_refuses_is_complained_of_once_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, site: Known) -> None:
        await until(lambda: len(library.objects["APEs"]) == 1 and library.objects["Tollgates"])
        asked = site.asked
        await until(lambda: site.asked >= asked + 5)  # and it is not tried again and again
        assert [ids for collection, ids in library.posts if collection == "APEs"] == [["4" * 20, SECOND]]
        site.known = complete(tmp_path, *BOTH)
        await until(lambda: CAMERA in library.objects["APEs"])

    logs = kept(test, monkeypatch, _site(tmp_path, monkeypatch, *BOTH, ("cameras.cam.device_code", "4" * 20)))
    (told,) = logs
    assert (told["event"], told["name"], told["record"]) == ("record_refused", "一号", "4" * 20)
    assert told["error"] == "the platform says 8: ApeID: Value error, digits 11 to 13 are not 119"


def test_a_store_that_is_away_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, site: Known) -> None:
        await until(lambda: site.asked >= 2)
        assert library.posts == []
        site.away = None
        await until(lambda: len(library.posts) == 2)

    site = _site(tmp_path, monkeypatch)
    site.away = TransientError("the store cannot read now")
    logs = kept(test, monkeypatch, site)
    assert [log["event"] for log in logs] == ["records_wait", "record_incomplete"]


def test_a_platform_in_trouble_gets_them_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, _known: Known) -> None:
        await until(lambda: library.objects["APEs"] and library.objects["Tollgates"])

    faults = [Fault("status", 503), Fault("close"), Fault("lost"), Fault("garbage")]
    kept(test, monkeypatch, _site(tmp_path, monkeypatch), ViewLibrary(say=silent, faults=faults))


def test_a_site_may_want_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, site: Known) -> None:
        await until(lambda: library.keepalives >= 2)
        assert (library.posts, site.asked) == ([], 0)

    assert kept(test, monkeypatch, _site(tmp_path, monkeypatch), uploads=False) == []


def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *changes: tuple[str, Any]) -> Known:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return Known(complete(tmp_path, *changes), {"cam": "online", "cam2": "online"})
