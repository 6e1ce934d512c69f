"""Dispositions that a platform keeps with us: what is taken, what is refused, and what is looked for then."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from alerts.store import Store, dispositions
from alerts.viid.inbound.dispositions import Dispositions
from deploy.simulators.viid_asking import AskingLibrary, disposition
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.support.configs import SECRETS
from tests.support.dispositions import NUMBER, OTHER, PLATE, ordered_site
from tests.support.observations import at
from tests.support.viid import TOLLGATE
from tests.support.viid_inbound import with_platform

_ON_ONE = pytest.mark.parametrize("another", ["sqlite"], indirect=True)  # the store is not what it is about
Test = Callable[[AskingLibrary], Awaitable[None]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return ordered_site(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(0))


@pytest.fixture
def asked(
    config: Config, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Test], None]:
    """Run a test with a platform that is registered."""

    def run(test: Test) -> None:
        async def registered(library: AskingLibrary) -> None:
            assert await library.register() == 200
            await test(library)

        with_platform(
            registered,
            monkeypatch,
            lambda there: (Dispositions(there),),
            clock=clock,
            store=store,
            config=lambda: config,
        )

    return run


def stood(store: Store) -> list[tuple[str, float, float]]:
    with store.read() as session:
        found = dispositions.load(session).all
    return [(d.plate, (d.since - at(0)).total_seconds(), (d.until - at(0)).total_seconds()) for d in found]


@_ON_ONE
def test_one_is_looked_for_from_a_second_after_it_came_until_it_ends(
    asked: Callable[[Test], None], store: Store
) -> None:
    """The clock of the test stands at 14:00 in Shanghai."""

    async def test(library: AskingLibrary) -> None:
        order = disposition(NUMBER, PLATE, BeginTime="20260701080000", EndTime="20260701180000")
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)]
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)], "twice the same is as once"
        (kept,) = await library.kept("Disposition")
        assert "ApplicantName" not in kept
        told = order | {"DispositionStatus": 0}
        assert kept == {key: told[key] for key in kept}

    asked(test)
    assert stood(store) == [(PLATE, 1, 4 * 3600)]


def test_it_is_changed_revoked_set_again_and_deleted(
    asked: Callable[[Test], None], store: Store, clock: ManualClock
) -> None:
    async def test(library: AskingLibrary) -> None:
        order = disposition(NUMBER, PLATE)
        await library.post("Disposition", [order])
        clock.advance_to(at(10))
        assert await library.put("Disposition", [order | {"Title": "改"}]) == [(NUMBER, 0)]
        clock.advance_to(at(20))
        revoking = {"DispositionID": NUMBER, "OperateType": "1"}
        assert await library.put("Disposition", [revoking]) == [(NUMBER, 0)]
        assert [kept["DispositionStatus"] for kept in await library.kept("Disposition")] == [1]
        clock.advance_to(at(30))
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)]
        clock.advance_to(at(40))
        assert await library.delete("Disposition", NUMBER, OTHER) == [(NUMBER, 0), (OTHER, 4)]
        assert await library.kept("Disposition") == []
        unknown = [order, disposition(OTHER, PLATE), revoking | {"DispositionID": OTHER}]
        assert [code for _, code in await library.put("Disposition", unknown)] == [4, 4, 4]
        assert await library.post("Disposition", [revoking | {"DispositionID": OTHER}]) == [(OTHER, 4)]

    asked(test)
    spans = stood(store)
    assert [plate for plate, _, _ in spans] == [PLATE] * 3
    with store.read() as session:
        shared = store.now(session, at(0)) != at(0)  # it has a clock of its own then
    if not shared:
        assert [(since, until) for _, since, until in spans] == [(1, 11), (11, 21), (31, 41)]


@_ON_ONE
@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"DispositionID": "4420"}, 8, "DispositionID"),
        ({"DispositionID": "４" * 33}, 8, "DispositionID"),
        ({"OperateType": 2}, 8, "OperateType"),
        ({"OperateType": ...}, 8, "OperateType"),
        ({"Title": ...}, 8, "Title"),
        ({"Title": " \u200b"}, 8, "Title"),
        ({"DispositionCategory": ...}, 8, "DispositionCategory"),
        ({"DispositionCategory": 1}, 4, "DispositionCategory: 2, motor vehicles"),
        ({"DispositionCategory": "3"}, 4, "DispositionCategory: 2, motor vehicles"),
        ({"TargetFeature": ...}, 8, "TargetFeature"),
        ({"TargetFeature": "粤T1234"}, 8, "TargetFeature: a whole plate"),
        ({"TargetFeature": "粤T1?345"}, 8, "TargetFeature: a whole plate"),
        ({"PriorityLevel": "high"}, 8, "PriorityLevel"),
        ({"ApplicantName": ...}, 8, "ApplicantName"),
        ({"ApplicantOrg": ""}, 8, "ApplicantOrg"),
        ({"BeginTime": "2026-07-01 08:00"}, 8, "BeginTime"),
        ({"BeginTime": "20260732000000"}, 8, "BeginTime"),
        ({"BeginTime": "00010101000000"}, 8, "BeginTime"),
        ({"EndTime": 20260701180000}, 8, "EndTime"),
        ({"EndTime": "20260701080000"}, 8, "EndTime: later than BeginTime"),
        ({"DispositionRange": 3}, 8, "DispositionRange"),
        ({"DispositionRange": 1}, 8, "TollgateList: codes of tollgates, one of ours among them"),
        ({"DispositionRange": 1, "TollgateList": "1" * 20}, 8, "TollgateList: codes of tollgates, one of"),
        ({"DispositionRange": 1, "TollgateList": [7]}, 8, "TollgateList"),
        ({"ReceiveAddr": 7}, 8, "ReceiveAddr"),
    ],
    ids=str,
)
def test_what_is_refused_says_why_and_not_what_it_was(
    asked: Callable[[Test], None], changed: Mapping[str, Any], code: int, said: str
) -> None:
    order = {k: v for k, v in {**disposition(NUMBER, PLATE), **changed}.items() if v is not ...}

    async def test(library: AskingLibrary) -> None:
        body = json.dumps({"DispositionListObject": {"DispositionObject": [order]}}).encode()
        _, _, answer = await library.call("POST", "/VIID/Dispositions", body)
        (status,) = answer["ResponseStatusListObject"]["ResponseStatusObject"]
        assert status["StatusCode"] == code
        assert status["StatusString"].startswith(said)
        assert await library.kept("Disposition") == []

    asked(test)


@_ON_ONE
@pytest.mark.parametrize(
    ("changed", "tollgates"),
    [
        ({"DispositionRange": 2, "TollgateList": TOLLGATE}, []),
        ({"DispositionRange": "1", "TollgateList": TOLLGATE}, [TOLLGATE]),
        ({"DispositionRange": 1, "TollgateList": f"{TOLLGATE};{'1' * 20},"}, ["1" * 20, TOLLGATE]),
        ({"DispositionRange": 1, "TollgateList": [TOLLGATE]}, [TOLLGATE]),
        ({"TargetFeature": "粤t·12345", "DispositionCategory": "2", "PriorityLevel": "1"}, []),
        ({"EndTime": "99991231235959"}, []),
    ],
    ids=str,
)
def test_what_platforms_write_differently(
    asked: Callable[[Test], None], store: Store, changed: Mapping[str, Any], tollgates: list[str]
) -> None:
    async def test(library: AskingLibrary) -> None:
        order = disposition(NUMBER, PLATE, **changed)
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)]
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)]

    asked(test)
    with store.read() as session:
        (found,) = dispositions.load(session).all
    assert (found.plate, sorted(found.tollgates)) == (PLATE, tollgates)


@_ON_ONE
@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("http://127.0.0.1:8120/VIID/DispositionNotifications", True),
        ("http://10.0.0.1/x", False),  # in none of the networks
        ("http://user:word@127.0.0.1/x", False),
        ("ftp://127.0.0.1/x", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_an_address_is_used_where_a_receiver_may_be(
    asked: Callable[[Test], None], store: Store, address: str, *, kept: bool
) -> None:
    async def test(library: AskingLibrary) -> None:
        order = disposition(NUMBER, PLATE, ReceiveAddr=address)
        assert await library.post("Disposition", [order]) == [(NUMBER, 0)]

    asked(test)
    with store.read() as session:
        (found,) = dispositions.load(session).all
    assert found.address == (address if kept else "")


def test_no_log_says_whom_it_is_about(asked: Callable[[Test], None]) -> None:
    names = {"Title": "寻找张三", "Reason": "李四被抢", "ApplicantName": "王五", "ApplicantOrg": "赵六派出所"}

    async def test(library: AskingLibrary) -> None:
        good = disposition(NUMBER, PLATE, **names)
        await library.post("Disposition", [good, disposition(OTHER, PLATE, **names, EndTime="")])
        await library.delete("Disposition", NUMBER)

    with capture_logs() as logs:
        asked(test)
    said = json.dumps(logs, ensure_ascii=False, default=str)
    assert "disposition_kept" in said
    assert "disposition_ended" in said
    assert not any(name in said for name in (*names.values(), PLATE))


def test_no_more_than_can_be_looked_through(
    asked: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.viid.inbound.dispositions._MOST", 2)

    async def test(library: AskingLibrary) -> None:
        orders = [disposition(f"{n:012}01{'2' * 19}", PLATE) for n in range(3)]
        assert [code for _, code in await library.post("Disposition", orders)] == [0, 0, 4]
        assert [code for _, code in await library.put("Disposition", orders[:2])] == [0, 0]
        await library.delete("Disposition", orders[0]["DispositionID"])
        assert [code for _, code in await library.post("Disposition", orders[2:])] == [0]

    asked(test)


_WORDS = st.text(max_size=20)
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _WORDS,
    st.lists(_WORDS, max_size=3),
    st.dictionaries(_WORDS, _WORDS, max_size=3),
)
_FIELDS = sorted(disposition(NUMBER, PLATE))
_BROKEN = st.dictionaries(st.sampled_from(_FIELDS), _ODD, max_size=4)
_ANYTHING = st.one_of(_ODD, _BROKEN.map(lambda odd: {**disposition(OTHER, PLATE), **odd}))


@given(
    batch=st.lists(_ANYTHING, max_size=6),
    where=st.integers(0, 6),
    ids=st.lists(st.one_of(_WORDS, st.just(NUMBER)), max_size=3),
)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_a_platform_sends_good_ones_are_taken(
    asked: Callable[[Test], None], batch: list[Any], where: int, ids: list[str]
) -> None:
    async def test(library: AskingLibrary) -> None:
        batch.insert(where, disposition(NUMBER, PLATE))
        for method in ("POST", "PUT"):
            said = await library.post("Disposition", batch, method)
            assert said[min(where, len(batch) - 1)] == (NUMBER, 0)
        assert NUMBER in {kept["DispositionID"] for kept in await library.kept("Disposition")}
        query = json.dumps(ids, ensure_ascii=True)  # no URL yet: whatever it is, it is answered
        status, _, _ = await library.call("DELETE", f"/VIID/Dispositions?IDList={query}")
        assert status in {200, 400}

    asked(test)


def test_what_has_ended_says_so(asked: Callable[[Test], None], store: Store) -> None:
    async def test(library: AskingLibrary) -> None:
        past = disposition(NUMBER, PLATE, BeginTime="20200101000000", EndTime="20200102000000")
        future = disposition(OTHER, PLATE, BeginTime="20990101000000", EndTime="20990102000000")
        assert [code for _, code in await library.post("Disposition", [past, future])] == [0, 0]
        assert [kept["DispositionStatus"] for kept in await library.kept("Disposition")] == [2, 9]

    asked(test)
    with store.read() as session:
        assert [d.number for d in dispositions.load(session).all] == [OTHER], "it never stood"
