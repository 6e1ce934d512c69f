"""The joint test cases: a strict platform passes them all, one with a fault fails the case about it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alerts.channels import webhook
from alerts.joint.case import Verdict
from alerts.joint.run import CASES, camera_for, verdicts
from alerts.notice_settings import NoticeConfig
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.police import PoliceReceiver
from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.support.channels import secret_in_env, silent
from tests.support.configs import SECRETS
from tests.support.records import GATE, complete
from tests.support.viid import counts, stanza

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
MISSING = "DeviceID: Field required"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return complete(tmp_path)


async def _ends(config: Config, settings: NoticeConfig, only: Sequence[int]) -> list[Verdict]:
    camera = camera_for(config, settings, None)
    return [end async for end in verdicts(config, settings, camera, only, SystemClock())]


def at_library(
    library: ViewLibrary, site: Config, monkeypatch: pytest.MonkeyPatch, *only: int, **changed: object
) -> list[Verdict]:
    async def run() -> list[Verdict]:
        async with library:
            settings = stanza(library.url, monkeypatch, **{"tollgates": {"cam": GATE}, **changed})
            return await _ends(site, settings, only)

    return asyncio.run(run())


def at_webhook(
    platform: PoliceReceiver, site: Config, monkeypatch: pytest.MonkeyPatch, *only: int, **changed: object
) -> list[Verdict]:
    async def run() -> list[Verdict]:
        async with platform:
            settings = {
                "kind": "webhook",
                "url": platform.url,
                "secrets": [secret_in_env(monkeypatch, KEY)],
                "networks": ["127.0.0.0/8"],
            }
            return await _ends(site, webhook.Config.model_validate({**settings, **changed}), only)

    return asyncio.run(run())


def failed(ends: Sequence[Verdict]) -> dict[int, str]:
    return {end.number: end.fault for end in ends if end.fault}


def test_a_strict_library_passes_them_all_and_is_left_as_it_was(
    site: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ViewLibrary(say=silent)
    ends = at_library(library, site, monkeypatch)
    assert failed(ends) == {}
    assert [end.number for end in ends] == list(CASES)
    assert counts(library) == {"APEs": 1, "Tollgates": 1}, "records, which are true; everything else is gone"
    assert not library.registered
    assert ends[1].words == "HTTP 401: log in"
    assert (ends[10].words, ends[14].words) == ("HTTP 200: 0 OK", f"HTTP 200: 0 OK; 8 {MISSING}; 0 OK")


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("qop", [True, False])
def test_libraries_differ(site: Config, monkeypatch: pytest.MonkeyPatch, *, texts: bool, qop: bool) -> None:
    library = ViewLibrary(texts=texts, qop=qop, signs="url", say=silent)
    assert failed(at_library(library, site, monkeypatch, 1, 2, 15, 17, 20)) == {}


class OpenDoor(ViewLibrary):
    """Every password is right."""

    def _check_digest(self, request: web.Request) -> None:
        del request


class Ahead(ViewLibrary):
    """Its clock is two minutes ahead."""

    def __init__(self, **how: Any) -> None:  # noqa: ANN401 - as of a library
        super().__init__(**how, ahead_s=120)


class AllOrNothing(ViewLibrary):
    """It refuses a list in which anything is wrong, as a whole."""

    def _statuses(self, request: web.Request, said: Any) -> web.Response:  # noqa: ANN401 - as there
        said = list(said)
        if any(code for _, code, _ in said):
            return web.Response(status=400, text="something of it is wrong")
        return super()._statuses(request, said)


class TakesAnything(ViewLibrary):
    """Whatever is wrong with an object, it takes it."""

    def _taken(self, collection: str, body: Any, *, known: bool) -> tuple[str, int, str]:  # noqa: ANN401
        object_id, code, said = super()._taken(collection, body, known=known)
        return object_id, (0 if code == 8 else code), said


class NeverChanges(ViewLibrary):
    """It knows no PUT."""

    async def _put(self, request: web.Request) -> web.Response:
        del request
        return web.Response(status=405, text="no PUT here")


class NeverDeletes(ViewLibrary):
    """It knows no DELETE."""

    async def _delete(self, request: web.Request) -> web.Response:
        del request
        return web.Response(status=405, text="no DELETE here")


class Forgiving(ViewLibrary):
    """Nobody needs to register."""

    def check_registered(self) -> None:
        return


@pytest.mark.parametrize(
    ("kind", "number", "fault"),
    [
        (OpenDoor, 2, "it registers us with a wrong password"),
        (Ahead, 4, "s against ours"),
        (NeverDeletes, 11, "what it sent could not be withdrawn: answered 405"),
        (AllOrNothing, 15, "answered 400: something of it is wrong"),
        (TakesAnything, 15, "of right, wrong, right it says 0, 0, 0"),
        (NeverChanges, 17, "it did not take the PUT: HTTP 405: no PUT here"),
        (NeverDeletes, 18, "no DELETE here"),
        (Forgiving, 19, "it answers 200 to who is not registered, not 401"),
        (Forgiving, 20, "it answers 200 to who is not registered, not 401"),
    ],
)
def test_a_library_with_a_fault_fails_the_case_about_it(
    site: Config, monkeypatch: pytest.MonkeyPatch, kind: type[ViewLibrary], number: int, fault: str
) -> None:
    told = failed(at_library(kind(say=silent), site, monkeypatch, number))
    assert told.keys() == {number}
    assert fault in told[number]


def test_a_library_that_is_busy_passes_nothing(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(ViewLibrary):
        def polite(self, handler: Any) -> Any:  # noqa: ANN401 - as there
            del handler

            async def busy(_request: web.Request) -> web.Response:
                return web.Response(status=503, text="busy")

            return busy

    ends = at_library(Busy(say=silent), site, monkeypatch)
    assert failed(ends).keys() == set(CASES)
    assert {end.words for end in ends} == {"HTTP 503: busy"}


def test_what_the_configuration_lacks_is_the_fault_of_the_case(
    site: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = at_library(ViewLibrary(say=silent), site, monkeypatch, 6, 7, tollgates={})
    assert failed(ends) == {
        6: "camera cam stands at none of the tollgates of the receiver",
        7: "the platform says 8: TollgateID: Field required",
    }


def test_a_library_that_people_go_out_for_is_not_tried(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    library = ViewLibrary(say=silent)
    with pytest.raises(ValueError, match="takes_trials: found false"):
        at_library(library, site, monkeypatch, takes_trials=False)
    assert (library.registrations, library.posts) == (0, [])


@pytest.mark.parametrize("envelope", ["none", "cloudevents"])
def test_a_strict_receiver_passes_them_all(
    site: Config, monkeypatch: pytest.MonkeyPatch, envelope: str
) -> None:
    platform = PoliceReceiver([KEY], say=silent)
    ends = at_webhook(platform, site, monkeypatch, envelope=envelope)
    assert failed(ends) == {}
    assert [end.number for end in ends] == list(CASES)
    assert {one.notice.mode for one in platform.received} == {"test"}
    last = {one.notice.number: one.notice.change for one in platform.received}
    assert set(last.values()) == {"false_alarm"}
    assert (len(platform.refused), len(platform.repeats), platform.altered) == (7, 1, [])
    assert ends[1].words.startswith("HTTP 401: ")


class Gullible(PoliceReceiver):
    """It believes everybody."""

    def _verify(self, request: web.Request, body: bytes) -> None:
        del request, body


class Stumbling(PoliceReceiver):
    """Any fault of a message is a fault of its own, and it does not know what it has."""

    async def _post(self, request: web.Request) -> web.Response:
        if request.headers.get("webhook-id") in self._bodies:
            return web.Response(status=409, text="that one is there")
        answer = await super()._post(request)
        return web.Response(status=500, text="oh") if answer.status >= 400 else answer


class OneSignature(PoliceReceiver):
    """It reads the first of several signatures only."""

    async def _post(self, request: web.Request) -> web.Response:
        first = request.headers.get("webhook-signature", "").partition(" ")[0]
        return await super()._post(request.clone(headers={**request.headers, "webhook-signature": first}))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [(Gullible, {2, 4, 5, 6, 20}), (Stumbling, {2, 4, 5, 6, 15, 16, 19, 20}), (OneSignature, {3})],
)
def test_a_receiver_with_a_fault_fails_the_cases_about_it(
    site: Config, monkeypatch: pytest.MonkeyPatch, kind: type[PoliceReceiver], numbers: set[int]
) -> None:
    platform = kind([KEY], say=silent)
    assert failed(at_webhook(platform, site, monkeypatch)).keys() == numbers
    last = {one.notice.number: one.notice.change for one in platform.received}
    assert set(last.values()) == {"false_alarm"}, "what it believed is taken back"


def test_every_case_is_in_the_book(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    book = (ROOT / "docs/joint-tests.md").read_text(encoding="utf-8")
    library = at_library(ViewLibrary(say=silent), site, monkeypatch)
    for end in library + at_webhook(PoliceReceiver([KEY], say=silent), site, monkeypatch):
        assert f"| {end.number} | {end.title} |" in book


def test_a_camera_is_chosen(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = stanza("http://127.0.0.1:1", monkeypatch, tollgates={})
    assert camera_for(site, settings, None) == camera_for(site, settings, "cam") == "cam"
    with pytest.raises(LookupError, match="camera: found 'cam2'; allowed: one of cam"):
        camera_for(site, settings, "cam2")
    assert camera_for(site, NoticeConfig(), "cam2") == "cam2"
