"""Many alerts at many consoles: the machinery of the bench, for seconds, and a wall of more than it shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from playwright.sync_api import Browser, expect

from tests.bench import console as bench
from tests.bench.town import Load
from tests.e2e.test_console import Console, browser, console

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def test_what_is_decided_comes_to_every_screen_and_is_measured(browser: Browser, tmp_path: Path) -> None:
    load = Load(consoles=2, pages=2, cameras=6, burst_s=1.0, per_s=4.0, steady_s=1.0)
    picture: bytes = simplejpeg.encode_jpeg(np.full((90, 160, 3), 90, dtype=np.uint8), colorspace="BGR")
    found = bench.measured(tmp_path, load, browser, picture, settle_s=1.0)
    for context in browser.contexts:
        context.close()
    assert (found["incidents"], found["pages"], found["missing"]) == (10, 2, 0)
    # What is on a screen was decided, drawn after it had come, and cost something.
    assert 0 < found["stream.p50_ms"] < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
    assert min(found["service_cores"], found["browser_cores"], found["page_mib.end"]) > 0


def test_of_many_incidents_the_wall_shows_the_first_and_then_the_rest(console: Console) -> None:
    for n in range(34):
        console.site.open_incident(n, console.now - timedelta(seconds=100 - n))
    page = console.login(console.page())
    cards = page.locator("article")
    expect(cards).to_have_count(30)
    newest = console.site.open_incident(34, console.now)
    expect(cards.first).to_have_attribute("data-incident", newest)
    expect(cards).to_have_count(30)
    more = page.get_by_role("button", name="还有 5 起，显示更多")
    more.click()
    expect(cards).to_have_count(35)
    expect(more).to_have_count(0)
