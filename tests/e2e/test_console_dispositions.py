"""A vehicle that the police look for, on the console, in a real Chromium: who sees what of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.test_console import SCREENSHOTS, Console, browser, console
from tests.support.api import Site
from tests.support.dispositions import NUMBER, PLATE, looked_for, with_orders

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def test_operators_see_who_looks_for_it_and_workers_that_somebody_does(console: Console) -> None:
    console.stop()
    console.site = Site(with_orders(console.site.config), console.site.store)
    console.start()
    looked_for(console.site, console.now, title="张三的车", reason="李四报案")
    page = console.login(console.page())
    page.locator("article .look").click()
    order = page.locator(".wanted")
    expect(order.get_by_role("heading", name="公安布控车辆")).to_be_visible()
    for text in ("张三的车", "李四报案", f"号牌 {PLATE}，优先级 1", NUMBER):
        expect(order.get_by_text(text)).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wanted.png")
    worker = console.login(console.page(), "walker")
    worker.locator("article .look").click()
    expect(worker.get_by_role("heading", name="公安布控车辆")).to_be_visible()
    expect(worker.locator(".drawer .facts")).to_be_visible()
    expect(worker.get_by_text("张三")).to_have_count(0)
