"""Lists of plates on the console, in a real Chromium: masked, and in clear for who says why."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.integration.test_api_plates import config

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def test_plates_are_masked_until_somebody_says_why(console: Console, config: Config) -> None:
    console.site.clock = SystemClock()
    started(console, config)
    console.site.open_incident(
        1, console.now, rule="wanted", subject="粤T12345", point="bank", camera="cam", state="closed"
    )
    page = console.login(console.page())
    page.get_by_role("link", name="车牌名单").click()
    entries, hits = (page.get_by_role("region", name=name) for name in ("车牌", "最近命中"))
    expect(entries.get_by_role("row")).to_have_count(3)
    expect(entries).to_contain_text("粤T***45")
    expect(hits).to_contain_text("布控车辆 · 东岸")
    _shoot(page, "plates")
    clear = page.get_by_role("button", name="查看完整车牌")
    expect(clear).to_be_disabled()
    page.get_by_label("车牌，或其中一段").fill("t123")
    page.get_by_label("理由（必填）").fill("失主来电")
    clear.click()
    expect(entries.get_by_role("row")).to_have_count(2)
    expect(entries).to_contain_text("粤T12345")
    with page.expect_download() as download:
        page.get_by_role("button", name="导出表格").click()
    assert "粤T12345" in download.value.path().read_text(encoding="utf-8-sig")
    _shoot(page, "plates-clear")
    page.get_by_role("button", name="收起").click()
    expect(entries).not_to_contain_text("粤T12345")
    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "plates-phone")
