"""Long runs with deaths at random moments: ``make chaos``."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from alerts.store.schema import ChangeRow
from tests.e2e.installation import Installation, Outside, from_file, metric, until

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(1800)]

KILLS = 50


def _grown(site: Installation, series: str, before: float) -> bool:
    return (metric(site, series) or 0) > before


def test_fifty_kills_of_the_detector_split_no_incident(tmp_path: Path, outside: Outside, video: Path) -> None:
    """Somebody is always in the picture: one incident, spoken to once, however often the detector dies."""
    rng = random.Random(50)  # noqa: S311 - to replay it
    with Installation(tmp_path, outside, from_file(video), join_s=5) as site:
        until("an incident", site.incidents)
        seen = 'lianfang_observations_total{camera="cam"}'
        blind: list[float] = []
        for _ in range(KILLS):
            site.kill("detect")
            killed, before = time.monotonic(), metric(site, seen) or 0
            until("the next observation", partial(_grown, site, seen, before))
            blind.append(time.monotonic() - killed)
            time.sleep(rng.uniform(0.5, 4))
        kinds = Counter(row.kind for row in site.rows(ChangeRow))
        incidents = site.incidents()
    median_s = sorted(blind)[KILLS // 2]
    print(f"\n{KILLS} kills: {len(incidents)} incidents, {dict(kinds)}; blind {median_s:.1f} s (median)")
    assert len(incidents) == 1
    assert kinds["opened"] == 1
    assert len(outside.speaker.played()) == 1
