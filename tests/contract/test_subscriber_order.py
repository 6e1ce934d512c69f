"""However incidents change and whatever a subscriber answers meanwhile, it knows in the end what is so."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.store import Store
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.server import Fault
from deploy.simulators.viid_subscriber import Subscriber
from lianfang.clock import ManualClock
from tests.support.channels import silent
from tests.support.delivery import until
from tests.support.outbox import T0, open_store
from tests.support.subscribing import incident_id, owed, site, states, subscribe, tell, telling

_CHANGES = st.tuples(
    st.sampled_from("abc"), st.sampled_from(["opened", "cleared", "false_alarm", "reopened"])
)
_ANSWERS = st.lists(st.sampled_from([0, 0, 2, 9]), max_size=6)
_FAULTS = st.lists(st.sampled_from([None, Fault("status", 503), Fault("lost"), Fault("close")]), max_size=4)


def _is_there(changes: list[tuple[str, str]], incident: str) -> bool:
    own = [change for name, change in changes if name == incident]
    return bool(own) and own[-1] != "false_alarm"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.lists(_CHANGES, min_size=1, max_size=5), min_size=1, max_size=4),
    codes=_ANSWERS,
    faults=_FAULTS,
    interval_s=st.sampled_from([0, 30]),
)
def test_it_knows_in_the_end_what_is_so(
    monkeypatch: pytest.MonkeyPatch,
    steps: list[list[tuple[str, str]]],
    codes: list[int],
    faults: list[Fault | None],
    interval_s: int,
) -> None:
    clock = ManualClock(T0)
    changes = [change for step in steps for change in step]

    async def run(folder: Path, store: Store) -> None:
        async with ViewLibrary(say=silent) as library, Subscriber(say=silent, faults=faults) as there:
            config = site(folder, monkeypatch, library.url)
            subscribe(store, there.desk, there.address, interval_s=interval_s)
            there.desk.codes = list(codes)
            async with telling(store, config, clock) as worker:
                version = 0
                for step in steps:
                    for incident, change in step:
                        version += 1
                        tell(store, config, incident, version, change=change, now=clock.now())
                    await asyncio.sleep(0.02)
                    clock.advance_to(clock.now() + timedelta(seconds=7))

                def ended() -> bool:
                    clock.advance_to(clock.now() + timedelta(seconds=20))
                    worker.wake()
                    return "pending" not in states(store)

                await until(ended)
            desk = there.desk
            assert (
                desk.refused == []
            )  # it takes nothing in a wrong order, and no repetition that is another one
            assert set(states(store)) <= {"delivered", "expired"}
            expected = {i for i in "abc" if _is_there(changes, i)}
            known = {row.about for row in owed(store) if _last(store, row.about)}
            assert known == {incident_id(i) for i in expected}
            assert len(desk.there) == len(expected)

    with TemporaryDirectory() as name, closing(open_store(Path(name))) as store:
        asyncio.run(run(Path(name), store))


def _last(store: Store, incident: str) -> bool:
    """Say whether the last thing that was sent about an incident was not that it is withdrawn."""
    sent = [row for row in owed(store) if row.incident_id == incident and row.state == "delivered"]
    return bool(sent) and sent[-1].payload["notify"]["operation"] != 3
