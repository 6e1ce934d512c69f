"""The statistics, on the console in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console

__all__ = ["browser", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def test_figures_charts_and_the_report_of_a_month(console: Console) -> None:
    now = datetime.now(UTC)
    for n, (spoken, clear_s) in enumerate([(1, 12), (1, 14), (2, 40), (2, None)]):
        opened_at = now - timedelta(hours=n + 1)
        cleared_at = opened_at + timedelta(seconds=clear_s) if clear_s else None
        state = "false_alarm" if n == 0 else "cleared"
        console.site.open_incident(n, opened_at, spoken=spoken, cleared_at=cleared_at, state=state)
    due = {"rule": "gate", "camera": "gate_cam", "point": "gate", "alarmed_at": now - timedelta(days=2)}
    console.site.open_incident(9, now - timedelta(days=2), state="closed", **due)
    page = console.login(console.page())
    page.get_by_role("link", name="统计").click()
    tile = page.locator("[data-tile]")
    expect(tile.filter(has_text="喊话后离开")).to_contain_text("75 %")
    expect(tile.filter(has_text="处结率")).to_contain_text("100 %")
    helped = page.get_by_role("region", name="喊话成效").first
    cells = helped.get_by_role("row").filter(has_text="有人进入水域危险区").get_by_role("cell")
    expect(cells).to_have_text(
        ["有人进入水域危险区", "东湖北岸 · 1号机位", "4", "50 %", "25 %", "0 %", "25 %", "14 秒"]
    )
    worst = page.get_by_role("region", name="误报最多的规则与摄像头").first.get_by_role("row")
    expect(worst.nth(1)).to_contain_text("100 %")
    expect(page.locator(".chart svg").first).to_be_visible()
    _fits(page)
    _shoot(page, "statistics")
    page.screenshot(path="build/screenshots/statistics-whole.png", full_page=True)
    with page.expect_download() as download:
        page.get_by_role("region", name="按规则").first.get_by_role("link", name="导出表格").click()
    assert "北门夜间逗留,1,1,1,1" in download.value.path().read_text(encoding="utf-8-sig")

    month = page.get_by_label("时间").locator("option").nth(5).get_attribute("value")
    page.get_by_label("时间").select_option(month)
    expect(page.locator("main h1")).to_have_text(f"东湖社区 {month} 月报")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.screenshot(path="build/screenshots/statistics-print.png", full_page=True)
    page.emulate_media(media="screen", color_scheme="dark")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "statistics-phone-dark")
