"""Rules are read, tried, changed, switched and taken back on the console, in a real Chromium."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from lianfang import codec
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.events import OBSERVATIONS
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.e2e.test_console_settings import save
from tests.integration.test_api_settings import config
from tests.support.observations import START, observation

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def seen(console: Console, config: Config) -> None:
    """Log that somebody stood there for ten pictures, and long afterwards somebody for twenty."""
    before = console.now - timedelta(minutes=30)
    steps = [*((t / 5, 1) for t in range(10)), *((300 + t / 5, 2) for t in range(20))]
    bus = EmbeddedBus.own(config.data_dir)
    for seconds, track in steps:
        one = observation(seconds, {track: (0.5, 0.9)})
        one = one.model_copy(update={"captured_at": before + (one.captured_at - START)})
        bus.publish(OBSERVATIONS, one.camera_id, *codec.encode_event(one)).result(30)
    bus.close()


def test_a_rule_is_tried_before_it_is_saved_and_switched_off(console: Console, config: Config) -> None:
    console.site.clock = SystemClock()
    seen(console, config)
    started(console, config)
    page = console.login(console.page())
    page.get_by_role("link", name="规则", exact=True).click()
    rule = page.locator('[data-rule="entry"]')
    expect(rule).to_contain_text("人在一号、二号的“水边”连续3张画面，开一起事件（严重）。")
    _shoot(page, "rules")

    rule.get_by_role("button", name="修改").click()
    form = page.get_by_role("dialog")
    frames = form.locator('[data-key="frames"]')
    frames.get_by_role("spinbutton").fill("0")
    expect(frames.get_by_role("alert")).to_contain_text("greater than or equal to 1")
    expect(form.get_by_role("button", name="试算")).to_be_disabled()
    frames.get_by_role("spinbutton").fill("12")
    expect(form.locator(".summary")).to_contain_text("连续12张画面")
    hours = form.locator('[data-key="active"]')
    hours.locator(".el-switch").first.click()
    hours.get_by_label("开始").fill("00:00")
    hours.get_by_label("结束").fill("24:00")
    hours.get_by_label("结束").blur()
    expect(hours).to_contain_text("每天全天")
    _shoot(page, "rules-form")
    form.get_by_role("button", name="试算").click()
    expect(form.get_by_role("status")).to_contain_text("会有 1 起，其中 1 起是新增的", timeout=60_000)
    form.get_by_role("status").scroll_into_view_if_needed()
    _shoot(page, "rules-backtest")
    save(form, "只报久留的", "保存")
    expect(rule).to_contain_text("连续12张画面，开一起事件（严重）。时段：每天全天。")

    rule.get_by_role("button", name="停用").click()
    save(rule, "修岸", "停用")
    expect(rule).to_contain_text("现已停用。")
    rule.get_by_role("button", name="历史").click()
    expect(form.locator('[data-version="1"]')).to_contain_text("连续画面3 → 12")
    _shoot(page, "rules-history")
    form.locator('[data-version="1"]').get_by_role("button", name="退回到这里").click()
    save(form, "修好了", "退回到这里")
    expect(rule).not_to_contain_text("现已停用。")

    page.get_by_role("tab", name="时间表").click()
    expect(page.get_by_role("region", name="有人进入").get_by_role("listitem")).to_have_count(7)
    _shoot(page, "rules-weeks")
    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    page.get_by_role("tab", name="规则").click()
    _shoot(page, "rules-phone")
    rule.get_by_role("button", name="修改").click()
    expect(form.locator(".summary")).to_be_visible()
    _shoot(page, "rules-form-phone")
    _fits(page)
