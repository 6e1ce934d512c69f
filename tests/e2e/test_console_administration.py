"""The administration, on the console in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from alerts.store.people import PersonRow
from lianfang.metrics import hop_histogram
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.support.api import HASHER, PASSWORD

__all__ = ["browser", "console"]  # fixtures
pytestmark = pytest.mark.e2e
LONG = "another long password"


def administrator(console: Console) -> Page:
    """Log an administrator of the store in."""
    console.stop()
    with console.site.store.write() as session:
        given = {"must_change": False, "created_at": console.now, "created_by": "duty", "revision": 1}
        hashed = HASHER.hash(PASSWORD)
        session.add(PersonRow(id="chief", name="周敏", role="administrator", password_hash=hashed, **given))
    console.start()
    return console.login(console.page(), "chief")


def both_sizes(page: Page, name: str) -> None:
    """Keep a picture of each size and theme, and hold that nothing sticks out."""
    size = page.viewport_size
    assert size is not None
    _fits(page)
    _shoot(page, name)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, f"{name}-phone")
    page.set_viewport_size(size)


def test_people_are_added_choose_a_password_and_are_locked(console: Console) -> None:
    page = administrator(console)
    page.get_by_role("link", name="管理").click()
    page.get_by_role("link", name="人员").click()
    page.get_by_role("button", name="添加人员").click()
    form = page.get_by_role("form", name="人员")
    form.get_by_label("登录名").fill("liming")
    form.get_by_label("姓名").fill("李明")
    form.get_by_label("网格员").check()
    form.get_by_label("北一网格").check()
    _shoot(page, "people-form")
    form.get_by_role("button", name="保存").click()
    once = page.get_by_role("status").filter(has_text="李明 的首次登录密码")
    expect(once).to_be_visible()
    first = once.locator("code").inner_text()
    both_sizes(page, "people")

    theirs = console.page()
    theirs.locator("#operator").fill("liming")
    theirs.locator("#password").fill(first)
    theirs.keyboard.press("Enter")
    expect(theirs.get_by_text("李明，请先设置自己的密码")).to_be_visible()
    _shoot(theirs, "password")
    for name, value in (("current", first), ("chosen", LONG), ("again", LONG)):
        theirs.locator(f"#{name}").fill(value)
    theirs.get_by_role("button", name="设置密码", exact=True).click()
    expect(theirs.locator(".chip.live")).to_be_visible()
    theirs.get_by_role("link", name="管理").click()
    expect(theirs.get_by_role("link", name="静默")).to_be_visible()
    expect(theirs.get_by_role("link", name="人员")).to_have_count(0)
    theirs.context.close()

    row = page.locator('[data-person="liming"]')
    row.get_by_role("button", name="停用").click()
    row.get_by_label("理由").fill("离职")
    row.get_by_role("form").get_by_role("button", name="停用").click()
    expect(row).to_contain_text("停用")
    expect(row.get_by_role("button", name="恢复")).to_be_visible()

    page.get_by_role("link", name="操作记录").click()
    locked = page.get_by_role("row").filter(has_text="停用人员")
    expect(locked).to_contain_text("周敏")
    expect(locked).to_contain_text("离职")
    both_sizes(page, "audit")
    page.get_by_role("searchbox").fill("离职")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="导出表格").click()
    page.get_by_label("理由").fill("检查")
    with page.expect_download() as download:
        page.get_by_role("form").get_by_role("button", name="导出表格").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "lock_person" in lines[1]


def test_health_and_silences(console: Console) -> None:
    console.site.tell(console.site.open_incident(1, console.now), "dead", at=console.now)
    page = administrator(console)
    hops = hop_histogram(console.site.registry)
    for seconds in (0.05, 0.08, 0.2):
        for hop in ("captured_to_published", "published_to_detected", "captured_to_delivered"):
            hops.labels(hop=hop).observe(seconds)
    page.get_by_role("link", name="管理").click()
    expect(page.get_by_role("status").filter(has_text="系统各部分工作正常")).to_be_visible()
    expect(page.locator('[data-hop="published_to_detected"]')).to_contain_text("3")
    expect(page.get_by_text("待发 0，死信 1")).to_be_visible()
    both_sizes(page, "health")
    page.emulate_media(color_scheme="dark")

    page.get_by_role("link", name="静默").click()
    page.get_by_role("button", name="设置静默").click()
    form = page.get_by_role("form", name="设置静默")
    form.get_by_label("在哪里").select_option("point/lake")
    form.get_by_label("理由").fill("清淤施工")
    form.get_by_role("button", name="生效").click()
    held = page.get_by_role("listitem").filter(has_text="清淤施工")
    expect(held).to_contain_text("东湖北岸")
    both_sizes(page, "silences")
    held.get_by_role("button", name="解除").click()
    expect(held).to_have_count(0)
    page.get_by_label("也显示已结束和已取消的").check()
    expect(held).to_contain_text("已取消")
