"""Later messages of an incident at a view library: changed, posted again where it has lost it, withdrawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.channels.base import Receipt, Standing
from alerts.channels.gat1400 import Gat1400Channel
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from lianfang.errors import PermanentError, TransientError
from tests.support.configs import SECRETS
from tests.support.records import Known, complete
from tests.support.viid import about, answer, counts, only, with_library


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return Known(complete(tmp_path), {})


def test_later_messages_change_what_is_there(site: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("helmet"))
        site.stands = "taken"
        later = about("helmet", change="cleared", version=2, cleared_at="2025-06-01T08:05:00Z")
        assert isinstance(await answer(channel, later), Receipt)
        assert only(library, "Persons")["PersonDisAppearTime"] == "20250601160500"
        assert (
            [c for c, _ in library.posts] == [c for c, _ in library.puts] == ["NonMotorVehicles", "Persons"]
        )

    with_library(test, monkeypatch, site=site)


@pytest.mark.parametrize(
    "fault", [None, Fault("status", 404), Fault("status", 405)], ids=["unknown", "404", "405"]
)
def test_what_it_does_not_know_is_posted(
    site: Known, monkeypatch: pytest.MonkeyPatch, fault: Fault | None
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        library.misbehave(fault)
        assert isinstance(await answer(channel, about("zone_entry", version=2)), Receipt)
        assert counts(library) == {"Persons": 1}
        assert [c for c, _ in library.posts] == ["Persons"]

    site.stands = "taken"
    with_library(test, monkeypatch, site=site)


def test_what_is_wrong_with_it_is_what_the_post_was_told(
    site: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("plate", subject="粤T12345", version=2))  # of no tollgate
        assert isinstance(got, PermanentError)
        assert str(got) == "the platform says 8: TollgateID: Field required"
        assert (len(library.puts), len(library.posts)) == (1, 1)

    site.stands = "taken"
    with_library(test, monkeypatch, site=site, tollgates={})


def test_a_first_message_is_a_post_and_nothing_else(site: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        library.codes.append(8)
        assert isinstance(await answer(channel, about("zone_entry")), PermanentError)
        assert (len(library.posts), library.puts) == (1, [])

    with_library(test, monkeypatch, site=site)


def test_a_post_whose_answer_was_lost_may_be_refused_as_known(
    site: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        library.misbehave(Fault("lost"))
        assert isinstance(await answer(channel, about("zone_entry")), TransientError)
        library.codes.append(4)  # such as: it is there already
        assert isinstance(await answer(channel, replace(about("zone_entry"), attempt=2)), Receipt)
        assert (len(library.posts), len(library.puts)) == (2, 1)

    with_library(test, monkeypatch, site=site)


def test_an_incident_of_which_nothing_was_sent_is_not_withdrawn(
    site: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("zone_entry", change="false_alarm"))
        assert got == Receipt("not needed", "nothing of it was ever sent")
        assert library.registrations == 0

    with_library(test, monkeypatch, site=site)


@pytest.mark.parametrize(
    ("standing", "attempt", "end"),
    [("tried", 1, Receipt), ("taken", 2, Receipt), ("taken", 1, PermanentError)],
)
def test_what_it_does_not_have_is_withdrawn(
    site: Known, monkeypatch: pytest.MonkeyPatch, standing: Standing, attempt: int, end: type[object]
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        withdrawal = replace(about("helmet", change="permitted"), attempt=attempt)
        assert isinstance(await answer(channel, withdrawal), end)
        assert library.deletes == 2

    site.stands = standing
    with_library(test, monkeypatch, site=site)


def test_one_that_it_still_has_is_withdrawn_whatever_became_of_the_other(
    site: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        await answer(channel, about("helmet"))
        library.objects["NonMotorVehicles"].clear()
        site.stands = "taken"
        assert isinstance(await answer(channel, about("helmet", change="false_alarm")), PermanentError)
        assert counts(library) == {}

    with_library(test, monkeypatch, site=site)


def test_what_was_withdrawn_does_not_come_back(site: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(library: ViewLibrary, channel: Gat1400Channel) -> None:
        got = await answer(channel, about("zone_entry"))
        assert str(got) == "not sent: it has been withdrawn since"
        assert library.posts == []

    site.stands = "withdrawn"
    with_library(test, monkeypatch, site=site)
