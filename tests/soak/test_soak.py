"""Cameras that fail in every way and come back, for minutes here and for hours by ``make soak``."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from tests.soak.cameras import cameras
from tests.soak.watch import Taken, growth, ingest, play

SOAK_S = float(os.environ.get("SOAK_S", "180"))
LEAK_KB = int(os.environ.get("SOAK_LEAK_KB", "0"))
BACK_WITHIN_S = 10.0
MOST_GROWTH = 4 * 1024 * 1024
"""Over a third of the time, whatever that is."""
_SETTLE_S = 3.0


@pytest.mark.slow
@pytest.mark.timeout(SOAK_S + 240)
def test_every_camera_comes_back_and_nothing_is_left_behind(tmp_path: Path) -> None:
    recoveries: list[tuple[str, str, float]] = []
    samples: list[Taken] = []
    with cameras() as soaked, ingest(soaked, tmp_path, LEAK_KB) as running:
        for camera in soaked:
            running.until(camera.name, coming=True, timeout_s=60)
        time.sleep(_SETTLE_S)
        first = Taken.least(running.process.pid)
        until_s = time.monotonic() + SOAK_S
        threads = [threading.Thread(target=play, args=(c, running, until_s, recoveries)) for c in soaked]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            samples.append(Taken.by(running.process.pid))
            time.sleep(min(1.0, SOAK_S / 60))
        time.sleep(_SETTLE_S)
        last = Taken.least(running.process.pid)
        assert all(condition == "online" for condition in running.conditions.values()), running.conditions
    slowest = sorted(recoveries, key=lambda recovery: -recovery[2])[:5]
    print(f"{len(recoveries)} recoveries, the slowest {slowest}; {first} to {last}; grew {growth(samples)} B")
    missing = {(c.name, act.name) for c in soaked for act in c.acts} - {(c, act) for c, act, _ in recoveries}
    assert SOAK_S < 180 or not missing, missing
    assert slowest[0][2] <= BACK_WITHIN_S, slowest
    assert growth(samples) < MOST_GROWTH, [taken.rss for taken in samples]
    assert last.threads <= first.threads
    assert last.descriptors <= first.descriptors


@pytest.mark.parametrize(("leak", "flat"), [(0, True), (20_000, True), (100_000, False)])
def test_a_leak_is_seen(leak: int, *, flat: bool) -> None:
    """Of 100 KB a second over three minutes, between sizes that go up and down by megabytes."""
    samples = [Taken(100_000_000 + leak * t + t % 7 * 500_000, 20, 30) for t in range(180)]
    assert (growth(samples) < MOST_GROWTH) is flat
