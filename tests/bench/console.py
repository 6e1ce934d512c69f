"""From the decision to raise an alert to its card on the screens of consoles, over a real service.

A burst, every camera once, then a steady stream, while people deal with the oldest: as many stay open as the
burst has left. Consoles are real pages in one Chromium; those that are not are clients of the live stream,
whose times are told apart. All of them share the cores with the service, which on a site they would not.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser

from alerts.incidents.model import ChangeKind
from alerts.store.schema import ChangeRow
from tests.bench.media import jpeg, pictures
from tests.bench.pages import CHROMIUM, ConsolePage, chromium, open_console
from tests.bench.processes import Cost, family, warn_if_busy
from tests.bench.town import OPERATOR, Follower, Load, Town, Visitors, following
from tests.e2e.installation import Outside, ready, until
from tests.e2e.storm import RECEIVERS
from tests.support.configs import SECRETS
from tests.support.postgresql import shared_server

SAMPLE_S = 5.0
SETTLE_S = 15.0  # what has not come to a screen by then will not come

load = Load()


def measure(folder: Path) -> dict[str, float]:
    """Return what ``measured`` does, over SQLite."""
    with chromium() as browser:
        return measured(folder, load, browser, jpeg(pictures(26)[25]))


def measure_postgresql(folder: Path) -> dict[str, float]:
    """Return the same over PostgreSQL."""
    with chromium() as browser:
        return measured(folder, load, browser, jpeg(pictures(26)[25]), store=shared_server().create())


def measured(
    folder: Path,
    load: Load,
    browser: Browser,
    picture: bytes,
    *,
    settle_s: float = SETTLE_S,
    store: str = "",
) -> dict[str, float]:
    """Return p50, p99 and the most in ms from decision to screen, over all pages and incidents.

    ``missing`` counts cards that never came to a screen. Memory and cores are those from the end of the burst
    on: of the service, of the browser with all its pages, and what one page's objects take.
    """
    warn_if_busy()
    os.environ |= SECRETS
    with ExitStack() as running:
        outside = running.enter_context(Outside(*RECEIVERS[1:]))
        site = running.enter_context(Town(folder, outside, load.cameras, store))
        until("the service to be ready", lambda: ready(site))
        url = f"http://127.0.0.1:{site.port}"
        pages = [open_console(browser, url, OPERATOR, SECRETS["TEST_PASSWORD"]) for _ in range(load.pages)]
        # One more than the consoles: whoever deals with the incidents.
        followers = [running.enter_context(following(site)) for _ in range(load.consoles - load.pages + 1)]
        assert site.process is not None
        taken = _Taken(site.process.pid)
        visitors = Visitors(site, load, followers[0], picture)
        visitors.start()
        while not visitors.burst_is_over.is_set():
            pages[0].page.wait_for_timeout(100)  # the browser's driver works meanwhile
        taken.look(pages)
        while visitors.is_alive():
            pages[0].page.wait_for_timeout(SAMPLE_S * 1000)
            taken.look(pages)
        visitors.join()
        if visitors.error is not None:
            raise visitors.error
        pages[0].page.wait_for_timeout(settle_s * 1000)
        taken.look(pages)
        faults = [fault for page in pages for fault in page.faults]
        assert not faults, faults
        return _times(site, load, pages, followers) | taken.figures()


def _times(
    site: Town, load: Load, pages: Sequence[ConsolePage], followers: Sequence[Follower]
) -> dict[str, float]:
    decided = {
        row.incident_id: datetime.fromisoformat(row.data["decided_at"]).timestamp()
        for row in site.rows(ChangeRow)
        if row.kind == ChangeKind.OPENED
    }
    in_order = sorted(decided, key=lambda incident: decided[incident])
    expected = load.cameras + round(load.steady_s * load.per_s)
    if len(decided) != expected:
        sys.stderr.write(f"  {len(decided)} incidents, not {expected}\n")
    shown = [page.shown() for page in pages]

    def waits_ms(incidents: Iterable[str], seen: Sequence[dict[str, float]]) -> list[float]:
        return [(one[i] - decided[i]) * 1000 for i in incidents for one in seen if i in one]

    every = waits_ms(in_order, shown)
    return {
        "incidents": len(decided),
        "pages": len(pages),
        "missing": len(decided) * len(pages) - len(every),
        **_quantiles("", every),
        **_quantiles("burst.", waits_ms(in_order[: load.cameras], shown)),
        **_quantiles("steady.", waits_ms(in_order[load.cameras :], shown)),
        **_quantiles("stream.", waits_ms(in_order, [follower.came for follower in followers])),
    }


def _quantiles(name: str, times_ms: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times_ms, n=100, method="inclusive")
    return {f"{name}p50_ms": cuts[49], f"{name}p99_ms": cuts[98], f"{name}max_ms": max(times_ms)}


@dataclass
class _Taken:
    """What the service, the browser and one page of it take over time."""

    service: int
    at_s: list[float] = field(default_factory=list)
    of_service: list[Cost] = field(default_factory=list)
    of_browser: list[Cost] = field(default_factory=list)
    of_page_mib: list[float] = field(default_factory=list)

    def look(self, pages: Sequence[ConsolePage]) -> None:
        """Measure it now."""
        self.at_s.append(time.monotonic())
        self.of_service.append(_cost(family(self.service)))
        self.of_browser.append(_cost(pid for pid in family(os.getpid()) if _name(pid) == CHROMIUM.name))
        self.of_page_mib.append(pages[0].heap_mib())

    def figures(self) -> dict[str, float]:
        """Return memory in MiB at the begin and at the end, its slope in MiB a minute, and cores."""
        passed = self.at_s[-1] - self.at_s[0]
        found: dict[str, float] = {}
        for name, costs in (("service", self.of_service), ("browser", self.of_browser)):
            found |= self._line(f"{name}_mib", [cost.own_mib for cost in costs])
            found[f"{name}_cores"] = (costs[-1].cpu_s - costs[0].cpu_s) / passed
        return found | self._line("page_mib", self.of_page_mib)

    def _line(self, name: str, mib: Sequence[float]) -> dict[str, float]:
        slope = statistics.linear_regression(self.at_s, mib).slope
        return {f"{name}.start": mib[0], f"{name}.end": mib[-1], f"{name}.per_minute": slope * 60}


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def _cost(processes: Iterable[int]) -> Cost:
    """Return what processes cost of which some may have just ended."""
    costs = []
    for pid in processes:
        with suppress(OSError):
            costs.append(Cost.of([pid]))
    return Cost(
        sum(cost.cpu_s for cost in costs),
        sum(cost.memory_mib for cost in costs),
        sum(cost.own_mib for cost in costs),
        sum(cost.threads for cost in costs),
    )
