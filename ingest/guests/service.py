"""``lianfang ingest-guests``: reads the cameras of guests, as their owners want."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from ingest.guests.keeper import GuestKeeper
from lianfang.bus.connect import join
from lianfang.clock import SystemClock
from lianfang.errors import LianfangError
from lianfang.ops import ops
from lianfang.reach.shared import Asking
from lianfang.service import Run, service_main


def main(argv: Sequence[str]) -> int:
    """Run it from its command line."""

    def body(run: Run) -> None:
        guests, clock = run.config.guests, SystemClock()
        if guests is None:
            raise LianfangError("the configuration has no `guests`")
        with join(run.config, clock, run.stop) as bus:
            if bus is None:
                return
            keeper = GuestKeeper(Asking(run.config), bus, clock, guests.memory_mb)
            with ops(run.ops_port, CollectorRegistry(), keeper.ready):
                keeper.run(run.stop)

    return service_main("ingest-guests", "Read the cameras that others have connected.", argv, body)
