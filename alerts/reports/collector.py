"""The report on effects of the last seven days as metrics, counted anew once a minute at most."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from alerts.reports.effects import Effects, effects
from alerts.store import Store
from lianfang.clock import Clock
from lianfang.config import Config

_SPAN = timedelta(days=7)
_EVERY_S = 60.0


class EffectsCollector(Collector):
    """Counts in the store when it is asked. While the store is away it says nothing."""

    def __init__(self, store: Store, config: Config, clock: Clock) -> None:
        self._store, self._config, self._clock = store, config, clock
        self._lock = threading.Lock()
        self._last: tuple[float, Effects] | None = None

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: the store need not be asked for that."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        try:
            report = self._report()
        except SQLAlchemyError:
            return
        cleared = GaugeMetricFamily(
            "lianfang_broadcast_incidents",
            "Incidents of seven days that were spoken to, by the broadcasts after which the place was clear",
            labels=["rule", "camera", "cleared_after"],
        )
        clear_s = GaugeMetricFamily(
            "lianfang_broadcast_clear_seconds",
            "Median time from the first picture until the place was clear, over seven days",
            labels=["rule", "camera"],
        )
        for e in report.effects:
            counts = {"1": e.cleared_1, "2": e.cleared_2, "3": e.cleared_3, "never": e.stayed}
            for after, count in counts.items():
                cleared.add_metric([e.rule, e.camera, after], count)
            if e.median_s is not None:
                clear_s.add_metric([e.rule, e.camera], e.median_s)
        night = GaugeMetricFamily(
            "lianfang_false_night_broadcasts",
            "False broadcasts in a speaker's quiet hours in seven days (aim: at most 1)",
            labels=["receiver"],
        )
        for name, a_week in report.night_a_week.items():
            night.add_metric([name], a_week)
        yield from (cleared, clear_s, night)
        yield GaugeMetricFamily(
            "lianfang_false_alarms_per_shift",
            "False operator alarms a shift of 8 hours, over seven days (aim: at most 10)",
            value=report.false_a_shift,
        )

    def _report(self) -> Effects:
        with self._lock:
            now_s = self._clock.monotonic()
            if self._last is None or now_s - self._last[0] >= _EVERY_S:
                end = self._clock.now()
                with self._store.read() as session:
                    self._last = now_s, effects(session, self._config, end - _SPAN, end)
            return self._last[1]
