"""Lists of plates on the console, in a real Chromium: masked, and in clear for who says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.integration.test_api_plates import config

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def test_plates_are_masked_until_somebody_says_why(console: Console, config: Config, tmp_path: Path) -> None:
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
    entries.get_by_role("button", name="1 次").click()
    expect(entries.get_by_role("link")).to_contain_text("布控车辆")
    _changed(page, entries, tmp_path)
    _fits(page)
    _shoot(page, "plates-changed")
    page.emulate_media(color_scheme="dark")
    _shoot(page, "plates-dark")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "plates-phone")


def _changed(page: Page, entries: Locator, folder: Path) -> None:
    """Add a plate, end one, import a table and take the list back."""
    page.get_by_role("button", name="wanted.csv").click()
    entries.get_by_role("button", name="添加车牌").click()
    entries.get_by_label("新车牌").fill("粤b54321")
    entries.get_by_label("止", exact=True).fill("2030-01-01T08:00")
    entries.get_by_label("理由（必填）").fill("失主来电")
    entries.get_by_role("button", name="添加车牌").last.click()
    added = entries.get_by_role("row", name="粤B***21")
    expect(added).to_contain_text("2030")
    added.get_by_role("button", name="现在结束").click()
    entries.get_by_label("理由（必填）").fill("已找回")
    entries.get_by_role("button", name="现在结束").last.click()
    expect(added).to_contain_text("无效")
    table = folder / "new.csv"
    entries.get_by_role("button", name="导入表格").click()
    for text in ("车牌,到期\n粤C00001,明天\n", "车牌,到期,备注\n粤C00001,2030/1/1 8:00,盗抢\n"):
        table.write_text(text, encoding="utf-8")
        entries.get_by_label("表格文件").set_input_files(table)
        if "明天" in text:
            faults = entries.get_by_role("table", name="表格中的错误")
            expect(faults.get_by_role("row").nth(1)).to_contain_text("B (until)")
            _shoot(page, "plates-faults")
    expect(entries.get_by_role("table", name="导入预览")).to_contain_text("粤C00001")
    _shoot(page, "plates-import")
    entries.get_by_label("理由（必填）").fill("交接")
    entries.get_by_role("button", name="导入表格").last.click()
    expect(entries.get_by_role("row", name="粤C***01")).to_be_visible()
