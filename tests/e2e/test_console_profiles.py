"""The key of an operator, on the console in a real Chromium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from alerts.store import switches
from lianfang.config import Config
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.integration.test_api_profiles import with_profiles

__all__ = ["browser", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def started(console: Console, config: Config) -> None:
    """Start the server anew, with this configuration."""
    console.stop()
    console.site = replace(console.site, config=config)
    console.start()


def test_a_profile_is_put_in_force_by_one_key_and_taken_back(console: Console, tmp_path: Path) -> None:
    started(console, with_profiles(tmp_path, "date,until,kind\n2026-06-30,,holiday\n"))
    page = console.login(console.page())
    chip = page.locator("[data-profile]")
    chip.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("日历 days.csv 只到 2026-06-30")
    press = dialog.get_by_role("button", name="切换", exact=True)
    dialog.get_by_text("龙舟赛").click()
    expect(press).to_be_disabled()  # nobody switches without saying why
    dialog.get_by_label("原因（必填）").fill("龙舟赛提前")
    expect(dialog).to_contain_text("暂停：有人进入水域危险区")
    _shoot(page, "profile-dialog")
    press.click()
    expect(dialog).to_be_hidden()
    expect(chip).to_contain_text("龙舟赛")
    with console.site.store.read() as session:
        (row,) = switches.rows(session, 5)
    assert (row.profile, row.by, row.reason, row.source) == ("race", "duty", "龙舟赛提前", "key")
    assert row.until is not None
    assert round((row.until - row.since).total_seconds() / 3600) == 4

    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    chip.click()
    expect(dialog).to_contain_text("王芳：龙舟赛提前")
    _shoot(page, "profile-phone")
    dialog.locator("[data-profile-release]").click()
    expect(dialog).to_be_hidden()
    expect(chip).not_to_contain_text("龙舟赛")


def test_where_there_are_no_profiles_there_is_no_key(console: Console) -> None:
    page = console.page()
    with page.expect_response("**/api/profiles"):
        console.login(page)
    expect(page.locator("[data-profile]")).to_have_count(0)
