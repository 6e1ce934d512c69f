"""Subscribes (订阅): what a platform may ask to be told, what it may not, and what it hears of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.store import Store, subscriptions
from alerts.store.subscriptions import SubscriptionRow, name_of
from alerts.viid.inbound.subscribes import Subscribes
from deploy.simulators.gat1400 import DEVICE
from deploy.simulators.viid_asking import AskingLibrary
from deploy.simulators.viid_subscriber import subscription
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.support.subscribing import ADDRESS, CAMERA, number, site
from tests.support.viid import TOLLGATE
from tests.support.viid_inbound import with_platform

NOW = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    return site(tmp_path, monkeypatch)


def asked(
    test: Callable[[AskingLibrary], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    config: Config,
) -> None:
    """Run ``test`` with a platform that is registered."""

    async def registered(library: AskingLibrary) -> None:
        assert await library.register() == 200
        await test(library)

    with_platform(
        registered,
        monkeypatch,
        lambda there: (Subscribes(there),),
        clock=ManualClock(NOW),
        store=store,
        config=lambda: config,
    )


def kept(store: Store) -> list[SubscriptionRow]:
    with store.read() as session:
        return list(subscriptions.kept(session, "library"))


def test_a_subscription_is_kept_listed_changed_cancelled_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config
) -> None:
    one = subscription(number(), ADDRESS, ResourceURI=f"{CAMERA},{TOLLGATE}", ReportInterval="5")

    async def test(library: AskingLibrary) -> None:
        assert await library.post("Subscribe", [one]) == [(number(), 0)]
        assert await library.post("Subscribe", [one]) == [(number(), 0)]
        (row,) = kept(store)
        assert (row.kinds, row.resources, row.interval_s) == ([11, 13, 14], [CAMERA, TOLLGATE], 5)
        assert row.begin_at == datetime(2025, 5, 31, 16, tzinfo=UTC)  # midnight in Asia/Shanghai
        (listed,) = await library.kept("Subscribe")
        del listed["SubscribeStatus"]
        assert listed == {k: v for k, v in one.items() if k not in ("ApplicantName", "SubscribeStatus")} | {
            "ReportInterval": 5
        }
        changed = one | {"Title": "新", "ResourceURI": DEVICE, "SubscribeDetail": "13"}
        assert await library.put("Subscribe", [changed]) == [(number(), 0)]
        (row,) = kept(store)
        assert (row.title, row.kinds, row.resources) == ("新", [13], [])
        over = {"SubscribeID": number(), "OperateType": "1"}
        assert await library.put("Subscribe", [over]) == [(number(), 0)]
        assert await library.put("Subscribe", [over]) == [(number(), 0)]
        (listed,) = await library.kept("Subscribe")
        assert (listed["OperateType"], listed["SubscribeStatus"]) == (1, 1)
        assert await library.delete("Subscribe", number(), number(2)) == [(number(), 0), (number(2), 4)]
        assert await library.kept("Subscribe") == []

    asked(test, monkeypatch, store, config)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"SubscribeID": "1"}, 8),
        ({"SubscribeID": number() + "\n"}, 8),
        ({"Title": None}, 8),
        ({"Title": "  "}, 8),
        ({"Title": 7}, 8),
        ({"SubscribeDetail": ""}, 8),
        ({"SubscribeDetail": "13;14"}, 8),
        ({"SubscribeDetail": [13]}, 8),
        ({"SubscribeDetail": "12"}, 4),
        ({"SubscribeDetail": "13,99"}, 4),
        ({"ResourceURI": "44200000001190000009"}, 8),
        ({"ResourceURI": f"{CAMERA},"}, 8),
        ({"ApplicantName": None}, 8),
        ({"ApplicantOrg": ""}, 8),
        ({"BeginTime": "2026-07-01 00:00:00"}, 8),
        ({"BeginTime": "20261301000000"}, 8),
        ({"BeginTime": "00010101000000"}, 8),
        ({"BeginTime": "20350601000000"}, 8),  # no earlier than its end
        ({"EndTime": "20260701080000"}, 8),  # over, to the second
        ({"ReceiveAddr": None}, 8),
        ({"ReceiveAddr": "ftp://library.test/"}, 8),
        ({"ReceiveAddr": "http://us@library.test/"}, 8),
        ({"ReceiveAddr": "http://192.168.7.7/VIID/SubscribeNotifications"}, 4),
        ({"ReceiveAddr": "http://[::1]/"}, 4),
        ({"ReceiveAddr": "http://169.254.169.254/latest"}, 4),
        ({"ReportInterval": -1}, 8),
        ({"ReportInterval": "soon"}, 8),
        ({"ReportInterval": True}, 8),
        ({"OperateType": 2}, 8),
        ({"OperateType": None}, 8),
        ({"OperateType": 1, "SubscribeID": number(9)}, 4),  # nobody knows it
        ({"SubscribeStatus": 3}, 8),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_and_what_is_right_beside_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config, changed: dict[str, Any], code: int
) -> None:
    bad, good = subscription(number(1), ADDRESS, **changed), subscription(number(2), ADDRESS)
    bad_id = changed.get("SubscribeID", number(1))

    async def test(library: AskingLibrary) -> None:
        said = await library.post("Subscribe", [bad, good])
        assert said == [(bad_id, code), (number(2), 0)]

    asked(test, monkeypatch, store, config)
    assert [row.number for row in kept(store)] == [number(2)]


def test_an_answer_names_the_key_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config
) -> None:
    intake: list[Subscribes] = []

    async def test(_library: AskingLibrary) -> None:
        def text(**changed: object) -> str:
            return intake[0].take(subscription(number(), ADDRESS, **changed), anew=True).text

        assert text(SubscribeDetail="13,12") == (
            "SubscribeDetail: 12 cannot be given; "
            "allowed: 3 ape, 7 tollgate, 11 person, 13 motor_vehicle, 14 non_motor_vehicle"
        )
        there = "http://10.0.0.9:80/x"
        assert text(ReceiveAddr=there) == "ReceiveAddr: 10.0.0.9 is not where anything of this may be sent"
        assert text(EndTime="20250601000000") == "EndTime: later than BeginTime"

    def make(there: Any) -> tuple[Subscribes, ...]:  # noqa: ANN401
        intake.append(Subscribes(there))
        return tuple(intake)

    with_platform(test, monkeypatch, make, clock=ManualClock(NOW), store=store, config=lambda: config)


def test_an_address_without_a_path_means_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config
) -> None:
    async def test(library: AskingLibrary) -> None:
        await library.post("Subscribe", [subscription(number(), "http://library.test:8120/")])
        await library.post("Subscribe", [subscription(number(2), "http://library.test/notify?who=1")])

    asked(test, monkeypatch, store, config)
    assert {row.address for row in kept(store)} == {ADDRESS, "http://library.test/notify?who=1"}


def test_organisations_may_have_letters_and_subscriptions_no_end(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config
) -> None:
    lasting = subscription(f"44200000000A{number()[12:]}", ADDRESS, EndTime="99991231235959")

    async def test(library: AskingLibrary) -> None:
        assert await library.post("Subscribe", [lasting]) == [(lasting["SubscribeID"], 0)]

    asked(test, monkeypatch, store, config)
    (row,) = kept(store)
    assert row.end_at.year == 9999


def test_there_is_an_end_to_how_many_one_platform_has(
    monkeypatch: pytest.MonkeyPatch, store: Store, config: Config
) -> None:
    async def test(library: AskingLibrary) -> None:
        said = await library.post("Subscribe", [subscription(number(n), ADDRESS) for n in range(65)])
        assert [code for _, code in said] == [0] * 64 + [4]
        assert await library.post("Subscribe", [subscription(number(3), ADDRESS)]) == [(number(3), 0)]
        assert await library.put("Subscribe", [subscription(number(70), ADDRESS)]) == [(number(70), 4)]

    asked(test, monkeypatch, store, config)


_KEYS = tuple(subscription(number(), ADDRESS))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_BROKEN = st.dictionaries(
    st.sampled_from(_KEYS), _JSON | st.from_regex(r"\A[0-9,:/.a-z]{0,40}\Z"), min_size=1
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    broken=st.lists(_BROKEN | _JSON, min_size=1, max_size=6),
    at=st.integers(0, 6),
    method=st.sampled_from(["POST", "PUT"]),
)
def test_whatever_is_sent_is_answered_and_spoils_nothing(
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    config: Config,
    broken: list[Any],
    at: int,
    method: str,
) -> None:
    usual = subscription(number(), ADDRESS)
    objects: list[Any] = [usual | one if isinstance(one, dict) else one for one in broken]
    good = subscription(number(2), ADDRESS)
    objects.insert(min(at, len(objects)), good)

    async def test(library: AskingLibrary) -> None:
        await library.post("Subscribe", [good])
        said = await library.post("Subscribe", objects, method)
        assert (number(2), 0) in said
        assert {code for _, code in said} <= {0, 4, 8}
        await library.kept("Subscribe")

    asked(test, monkeypatch, store, config)
    with store.read() as session:
        assert session.get(SubscriptionRow, name_of("library", number(2))) is not None


def test_a_platform_reads_its_own_only(monkeypatch: pytest.MonkeyPatch, store: Store, config: Config) -> None:
    with store.write() as session:
        subscriptions.put(
            session,
            "another",
            number(),
            subscriptions.Wanted("别人的", [13], [], "", NOW, NOW.replace(year=2030), ADDRESS, 0),
            NOW,
        )

    async def test(library: AskingLibrary) -> None:
        assert await library.kept("Subscribe") == []
        assert await library.delete("Subscribe", number()) == [(number(), 4)]

    asked(test, monkeypatch, store, config)
