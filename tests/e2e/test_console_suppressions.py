"""What people say on the console is held back, and how they take it back, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from alerts import suppressing, trials
from alerts.suppression.said import Kind, Suppression
from lianfang.clock import SystemClock
from tests.e2e.test_console import SCREENSHOTS, Console, browser, console

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def test_a_rule_is_silenced_at_an_incident_and_heard_again(console: Console) -> None:
    incident = console.site.open_incident(1, console.now - timedelta(seconds=40))
    page = console.login(console.page())
    page.locator("article .look").click()
    page.get_by_role("button", name="静默 1 小时").click()
    page.get_by_label("理由（必填）").fill("龙舟赛，岸边有人维护")
    page.screenshot(path=SCREENSHOTS / "suppression_say.png")
    page.get_by_role("button", name="生效").click()
    expect(page.get_by_text("已生效")).to_be_visible()
    expect(page.locator(".timeline").get_by_text("不再通知：已静默")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f'article[data-incident="{incident}"]').get_by_text("已静默")).to_be_visible()
    page.get_by_role("button", name="静默与许可").click()
    listed = page.get_by_role("region", name="按人的意思不再报警的")
    expect(listed.get_by_text("龙舟赛，岸边有人维护")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "suppression_list.png")
    listed.get_by_role("button", name="解除").click()
    expect(listed.get_by_text("现在没有")).to_be_visible()


def test_a_trial_is_signed_off_before_its_end(console: Console) -> None:
    trials.begin(console.site.store, console.site.config, SystemClock())
    console.site.open_incident(1, datetime.now(UTC), muted="trial")
    page = console.login(console.page())
    expect(page.locator("article").get_by_text("试运行，只作记录")).to_be_visible()
    page.get_by_role("button", name="静默与许可").click()
    listed = page.get_by_role("region", name="试运行")
    river = listed.get_by_role("listitem").filter(has_text="有人进入水域危险区 · 东湖北岸 · 1号机位")
    expect(river).to_contain_text("1 起，人工判定 0 起，误报 0 起")
    river.get_by_role("button", name="签核").click()
    river.get_by_label("理由（必填）").fill("河边试过三次，都对")
    page.screenshot(path=SCREENSHOTS / "trials.png")
    river.get_by_role("button", name="提前签核").click()
    expect(page.get_by_text("已签核，仍然成立的会通知")).to_be_visible()
    expect(river).to_have_count(0)


def test_maintenance_is_loud_in_the_bar(console: Console) -> None:
    now = datetime.now(UTC)
    works = Suppression(
        id="works",
        kind=Kind.MAINTENANCE,
        since=now,
        until=now + timedelta(hours=2),
        author="duty",
        reason="换镜头",
        created_at=now,
        camera="lake_north",
    )
    suppressing.say(console.site.store, console.site.config, SystemClock(), works)
    page = console.login(console.page())
    expect(page.locator("header .held.loud")).to_contain_text("1 处检修中")
    page.screenshot(path=SCREENSHOTS / "suppression_maintenance.png")


def test_a_camera_and_a_speaker_are_put_into_maintenance(console: Console) -> None:
    page = console.login(console.page())
    wall = page.locator(".empty")
    expect(wall).to_contain_text("3 路摄像头全部在看守")
    page.get_by_role("button", name="静默与许可").click()
    listed = page.get_by_role("region", name="按人的意思不再报警的")
    for what, reason in (("东湖北岸 · 1号机位", "换镜头"), ("bank_speaker", "换功放")):
        listed.get_by_role("button", name="登记检修").click()
        form = listed.get_by_role("form", name="登记检修")
        expect(form.get_by_role("button", name="生效")).to_be_disabled()
        form.get_by_label("检修什么").select_option(label=what)
        form.get_by_label("持续多久").select_option(value="4")
        form.get_by_label("理由（必填）").fill(reason)
        page.screenshot(path=SCREENSHOTS / "maintenance_form.png")
        form.get_by_role("button", name="生效").click()
        expect(listed.get_by_role("listitem").filter(has_text=reason)).to_contain_text(what.split(" · ")[-1])
    expect(page.locator("header .held.loud")).to_contain_text("2 处检修中")
    expect(wall).to_contain_text("2 路摄像头在看守，另有 1 路检修中或已停用")
    expect(wall.get_by_role("listitem")).to_have_text("东湖北岸 · 1号机位检修中")
    page.screenshot(path=SCREENSHOTS / "maintenance_wall.png")
    listed.get_by_role("button", name="解除").last.click()
    expect(wall).to_contain_text("3 路摄像头全部在看守")


def test_a_camera_that_is_switched_off_is_not_watching(console: Console) -> None:
    site = console.site
    off = site.config.cameras["gate_cam"].model_copy(update={"enabled": False})
    site.config = site.config.model_copy(update={"cameras": {**site.config.cameras, "gate_cam": off}})
    console.stop()
    console.start()
    page = console.login(console.page())
    wall = page.locator(".empty.partly")
    expect(wall).to_contain_text("2 路摄像头在看守，另有 1 路检修中或已停用")
    expect(wall.get_by_role("listitem")).to_have_text("北门 · 北门球机已停用")
