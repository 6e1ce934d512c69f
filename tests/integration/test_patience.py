"""Each receiver's own `retry`, from the configuration through the service to what becomes of a notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.store import open_store
from alerts.store.schema import OutboxRow
from deploy.demo.site import free_port
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows
from tests.integration.test_without_store import working
from tests.support.configs import BASE, loaded
from tests.support.outbox import owe_notice


def test_each_receiver_has_its_own(tmp_path: Path, bus: Bus) -> None:
    nobody = f"http://127.0.0.1:{free_port(0)}/"
    there: dict[str, Any] = BASE["receivers"]["police"] | {"url": nobody}
    hasty = there | {"retry": {"first_s": 0.1, "longest_s": 1, "give_up_h": 0.0001}}
    config = loaded(
        tmp_path,
        ("api", {"port": free_port(0)}),
        ("receivers.police", there),
        ("receivers.hasty", hasty),
    )
    store = open_store(config)
    try:
        with store.write() as session:
            for receiver in ("police", "hasty"):
                owe_notice(session, receiver, now=SystemClock().now())

        def state(receiver: str) -> OutboxRow:
            (found,) = [row for row in rows(store, OutboxRow) if row.receiver == receiver]
            return found

        with working(config, bus, store):
            until("the end of the hasty one", lambda: state("hasty").state == "dead")
            until("an attempt at the other", lambda: state("police").attempts)
        assert str(state("hasty").last_error).startswith("given up after 0.0001 h: no connection: ")
        assert state("police").state == "pending"
    finally:
        store.close()
