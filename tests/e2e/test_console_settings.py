"""Rules, zones and cameras are changed on the console, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.integration.test_api_settings import config
from tests.support.api import Client

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def save(item: Locator, reason: str, key: str) -> None:
    item.get_by_label("理由（必填）").fill(reason)
    item.get_by_role("button", name=key).last.click()


def test_a_rule_a_zone_and_a_camera_are_changed_and_taken_back(console: Console, config: Config) -> None:
    console.site.clock = SystemClock()
    started(console, config)
    page = console.login(console.page())
    page.get_by_role("link", name="规则与区域").click()

    rule = page.locator('[data-rule="entry"]')
    rule.get_by_role("button", name="修改").click()
    rule.get_by_label("frames").fill("0")
    save(rule, "太敏感", "保存")
    expect(rule.get_by_role("alert")).to_contain_text("rules.entry.frames: found 0; allowed: greater than")
    assert [f for f in console.faults if "422" not in f] == []
    console.faults.clear()  # Chromium itself notes what was refused
    rule.get_by_label("frames").fill("6")
    _shoot(page, "settings-rule")
    save(rule, "太敏感", "保存")
    expect(rule).to_contain_text("已改动")

    client = Client(console.port)
    client.login()
    stanza = {"name": "台阶", "polygon": [[0.2, 0.5], [0.8, 0.5], [0.8, 1]]}
    body = {"stanza": stanza, "reason": "台阶上常有人", "based_on": 1}
    assert client.request("PUT", "/api/zones/cam/steps", body).status == 200
    page.reload()

    camera = page.locator('[data-camera="cam"]')
    camera.get_by_role("button", name="停用").click()
    save(camera, "检修", "停用")
    expect(camera).to_contain_text("已停用")

    newest = page.locator('[data-version="3"]')
    expect(newest).to_contain_text("3 · 王芳")
    expect(newest).to_contain_text("检修")
    first = page.locator('[data-version="1"]')
    first.get_by_role("button", name="查看改动").click()
    expect(first).to_contain_text("rules.entry.frames 3 6")
    _shoot(page, "settings-versions")
    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    file = page.locator('[data-version="0"]')
    file.get_by_role("button", name="退回到这里").click()
    save(file, "试完了", "退回到这里")
    expect(rule).not_to_contain_text("已改动")
    assert [zone["id"] for zone in client.get("/api/zones").json if zone["camera"]["id"] == "cam"] == [
        "water"
    ]
    expect(camera).to_contain_text("已停用")
