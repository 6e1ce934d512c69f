"""Zones and cameras are changed on the console, and versions taken back, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.integration.test_api_settings import config
from tests.support.api import Client
from tests.support.configs import BASE

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def save(item: Locator, reason: str, key: str) -> None:
    item.get_by_label("理由（必填）").fill(reason)
    item.get_by_role("button", name=key).last.click()


def test_a_zone_and_a_camera_are_changed_and_taken_back(console: Console, config: Config) -> None:
    console.site.clock = SystemClock()
    started(console, config)
    page = console.login(console.page())
    page.get_by_role("link", name="启停与录音").click()
    client = Client(console.port)
    client.login()
    rule = {"stanza": {**BASE["rules"]["entry"], "frames": 6}, "reason": "太敏感", "based_on": 0}
    assert client.request("PUT", "/api/rules/entry", rule).status == 200

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
    expect(page.locator('[data-version="4"]')).to_contain_text("试完了")
    assert [zone["id"] for zone in client.get("/api/zones").json if zone["camera"]["id"] == "cam"] == [
        "water"
    ]
    expect(camera).to_contain_text("已停用")
