"""What keeps a shift awake and a wall readable, in a real Chromium."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from alerts.incidents.model import ChangeKind
from alerts.pipeline import on_call
from alerts.store.incidents import held
from alerts.store.schema import IncidentRow, OutboxRow, SuppressionRow
from alerts.store.shifts import HandoverRow, QuietRow, SoundTestRow
from lianfang.config.on_call import Called, OnCall
from tests.e2e.test_console import (
    COUNT_TONES,
    DESK,
    PHONE,
    SCREENSHOTS,
    Console,
    _card,
    _fits,
    _incident,
    browser,
    console,
)
from tests.support.api import wait_for

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e
NOTE_NOTIFICATIONS = """() => {
    window.told = []
    window.Notification = class extends EventTarget {
        static permission = 'granted'
        constructor(title, options) {
            super()
            window.told.push([title, options.tag, options.requireInteraction])
        }
        close() {}
    }
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
}"""


def _shoot(page: Page, name: str, *, whole: bool = True) -> None:
    _fits(page)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled", full_page=whole)


def _tones(page: Page, count: int) -> None:
    wait_for(lambda: page.evaluate("window.tones") == count)


def _with(console: Console, **keys: Any) -> None:  # noqa: ANN401
    """Serve the site with another configuration: a second operator, and what ``keys`` says."""
    site = console.site
    night = site.config.api.operators["duty"].model_copy(update={"name": "李强"})
    people = {**site.config.api.operators, "night": night}
    api = site.config.api.model_copy(update={"operators": people})
    site.config = site.config.model_copy(update={"api": api, **keys})
    console.stop()
    console.start()


def test_a_console_is_heard_and_kept_quiet_with_a_reason_but_never_where_a_life_is_at_stake(
    console: Console,
) -> None:
    river = console.site.config.rules["river"]
    vital = river.model_copy(update={"life_safety": True})
    _with(console, rules={**console.site.config.rules, "river": vital})
    page = console.page()
    page.evaluate(COUNT_TONES)
    page.evaluate(NOTE_NOTIFICATIONS)
    console.login(page)
    strip = page.locator("section[aria-label='声音与提醒']")  # out of sight while there is nothing to say
    expect(strip).to_contain_text("刚放过测试音，听到了吗？")
    _tones(page, 3)  # it plays at the log-in
    strip.get_by_role("button", name="没听到").click()
    expect(strip).to_contain_text("这台电脑听不到警铃（王芳")
    _shoot(page, "sound-test-failed")
    page.reload()
    page.evaluate(COUNT_TONES)
    page.evaluate(NOTE_NOTIFICATIONS)
    expect(strip).to_contain_text("这台电脑听不到警铃")  # it warns until somebody hears it
    strip.get_by_role("button", name="再试一次").click()
    _tones(page, 3)
    strip.get_by_role("button", name="听到了").click()
    expect(strip).not_to_contain_text("听不到")
    with console.site.store.read() as session:
        assert [row.heard for row in session.scalars(select(SoundTestRow).order_by(SoundTestRow.seq))] == [
            False,
            True,
        ]

    gate: dict[str, Any] = {"rule": "gate", "place": "gate", "point": "gate", "camera": "gate_cam"}
    first = _incident(console, 1, 9, **gate)
    _tones(page, 9)
    page.evaluate("window.rangAt = performance.now()")
    page.keyboard.press("q")
    dialog = page.get_by_role("dialog", name="哪些警情暂时不响铃？")
    expect(dialog.get_by_label("规则")).to_have_value("gate")
    expect(dialog.get_by_role("button", name="静音", exact=True)).to_be_disabled()
    dialog.get_by_label("原因").fill("龙舟赛，北门人多")
    _shoot(page, "quiet-dialog", whole=False)
    dialog.get_by_role("button", name="静音", exact=True).click()
    expect(strip).to_contain_text("静音中：北门球机 · 北门夜间逗留")
    expect(strip).to_contain_text("王芳：龙舟赛，北门人多")
    _shoot(page, "quiet")
    console.site.change(first, ChangeKind.RAISED, console.now, people=3)
    expect(_card(page, first)).to_contain_text("3 人")
    page.keyboard.press("m")  # and the sound is off besides
    expect(strip).to_contain_text("提示音已关")
    # Until the next pattern may begin.
    page.wait_for_function("() => performance.now() > window.rangAt + 1600")
    drowning = _incident(console, 2, 1)
    expect(_card(page, drowning)).to_be_visible()
    _tones(page, 15)  # of the six of a life at stake none is missing, and of the quiet one there is none
    told = page.evaluate("window.told")
    assert [(tag, stays) for _, tag, stays in told] == [(first, True), (drowning, True)]
    strip.get_by_role("button", name="恢复响铃").click()
    expect(strip).not_to_contain_text("静音中")
    with console.site.store.read() as session:
        assert session.scalars(select(QuietRow)).one().lifted_by == "duty"


def test_filters_stand_in_the_address_and_hide_nothing_silently(console: Console) -> None:
    gate: dict[str, Any] = {
        "rule": "gate",
        "place": "gate",
        "point": "gate",
        "camera": "gate_cam",
        "severity": "medium",
    }
    lake = _incident(console, 1, 60)
    other = _incident(console, 2, 600, assignee="north", state="acknowledged", **gate)
    _incident(console, 3, 700, state="closed", **gate)
    done = _incident(console, 4, 800, state="false_alarm")
    page = console.login(console.page())
    expect(page.locator("article")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("北门")
    expect(page.locator("article")).to_have_count(1)
    expect(_card(page, other)).to_be_visible()
    page.keyboard.press("Enter")  # and the keyboard is the wall's again
    page.keyboard.press("x")
    expect(page.get_by_role("dialog", name="结案？")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".hidden")).to_contain_text("另有 1 起待处理不在筛选内")
    expect(page.locator(".hidden b")).to_have_text("其中 1 起紧急")
    handled = page.get_by_role("region", name="最近已处理")
    expect(handled.locator(".rows > *")).to_have_count(1)
    page.get_by_label("交给", exact=True).select_option("北一网格")
    page.get_by_role("button", name="一般", exact=True).click()
    expect(page).to_have_url(re.compile(r"assignee=north.*severity=medium|severity=medium.*assignee=north"))
    page.reload()
    expect(page.locator("article")).to_have_count(1)
    expect(page.get_by_label("搜索地点")).to_have_value("北门")
    _shoot(page, "filters")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.emulate_media(color_scheme="dark")
    _shoot(page, "filters-phone-dark")
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator("article")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/$"))
    page.get_by_label("状态", exact=True).select_option("误报")
    expect(page.get_by_text("没有符合筛选的警情")).to_be_visible()
    expect(handled.locator(".rows > *")).to_have_count(1)
    expect(handled).to_contain_text("有人进入水域危险区")
    assert done
    page.goto(f"http://127.0.0.1:{console.port}/?order=newest")
    expect(page.locator("article").first).to_have_attribute("data-incident", lake)


def test_one_key_each(console: Console) -> None:
    site = console.site
    member = {
        "n": 1, "camera": "lake_north", "track_id": "e1:7", "label": "person", "zone": "bank",
        "confidence": 0.8,
        "xyxyn": [0.4, 0.5, 0.5, 0.9], "since": "2026-07-01T08:00:00Z", "last_at": "2026-07-01T08:00:01Z",
    }  # fmt: skip
    at = console.now - timedelta(seconds=30)
    timed: dict[str, Any] = {"state_since": at, "alarmed_at": at}
    spot = _incident(console, 1, 40, members=[member], **timed)
    case = _incident(console, 2, 30, **timed)
    page = console.login(console.page())
    expect(_card(page, case)).to_have_attribute("aria-current", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="键盘")).to_contain_text("误报（这里的这个不算）")
    _shoot(page, "keys", whole=False)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("b")
    page.keyboard.press("t")
    words = page.get_by_role("dialog", name="播报什么？")
    words.get_by_label("要播报的话").fill("穿红衣服的请上岸")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    with site.store.read() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "speech").order_by(OutboxRow.seq))
        said = [row.payload["speech"]["text"] for row in rows if row.incident_id == case]
    assert said[-2:] == ["水深危险，请马上离开水边。", "穿红衣服的请上岸"]
    page.keyboard.press("e")  # nobody waits for the time of the tier
    escalate = page.get_by_role("dialog", name="升级上报？")
    expect(escalate.get_by_role("button", name="升级上报")).to_be_focused()
    page.keyboard.press("Enter")
    expect(_card(page, case)).to_contain_text("已通知 网格员")
    expect(page.get_by_role("dialog")).to_have_count(0)
    _card(page, spot).click(position={"x": 500, "y": 20})
    page.keyboard.press("f")
    wrong = page.get_by_role("dialog", name="按误报处理？")
    wrong.get_by_label("这里的这个以后").check()
    expect(wrong.get_by_role("button", name="误报")).to_be_disabled()
    wrong.get_by_label("是什么").fill("树影")
    _shoot(page, "not-this-here", whole=False)
    wrong.get_by_role("button", name="误报").click()
    expect(_card(page, spot)).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)  # once the word is said as well
    with site.store.read() as session:
        word = session.scalars(select(SuppressionRow)).one()
    assert (word.kind, word.reason, word.incident_id, word.label) == ("dismissal", "树影", spot, "person")
    page.goto(f"http://127.0.0.1:{console.port}/incidents/{case}")
    expect(page.get_by_role("heading", level=1).last).to_have_text("有人进入水域危险区")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog", name="播报什么？")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_whoever_is_called_by_name_hears_and_sees_it_until_somebody_answers(console: Console) -> None:
    site = console.site
    order = OnCall(order=(Called(operator="night"), Called(operator="duty")))
    _with(console, on_call=order)
    at = console.now - timedelta(seconds=130)
    incident = _incident(console, 1, 130, state_since=at, alarmed_at=at)
    duty, night = (console.page() for _ in range(2))
    for page, who in ((duty, "duty"), (night, "night")):
        page.evaluate(COUNT_TONES)
        console.login(page, who)
        _tones(page, 3)

    def call() -> None:
        with site.store.write() as session:
            row = held(session, incident)
            assert row is not None
            on_call.ring(session, site.config, row, console.now)

    call()
    expect(night.get_by_text("呼叫您：有人进入水域危险区")).to_be_visible()
    wait_for(lambda: night.evaluate("window.tones") >= 9)  # though the sound is off
    expect(_card(duty, incident)).to_contain_text("已呼叫 李强")
    expect(_card(duty, incident)).to_contain_text("后呼叫 王芳")
    assert duty.evaluate("window.tones") == 3
    expect(duty.locator(".called")).to_have_count(0)
    _shoot(night, "called")
    call()
    expect(duty.get_by_text("呼叫您：有人进入水域危险区")).to_be_visible()
    expect(night.locator(".called")).to_have_count(0)
    duty.locator(".called").get_by_role("button", name="受理").click()
    expect(duty.locator(".called")).to_have_count(0)
    with site.store.read() as session:
        assert session.get_one(IncidentRow, incident).state == "acknowledged"


def test_a_shift_is_handed_over_in_two_browsers_and_read_later(console: Console) -> None:
    _with(console)
    incident = _incident(console, 1, 95, people=2, assignee="north", overdue=True)
    console.site.camera("gate_cam", "offline", console.now - timedelta(hours=2), "timed_out")
    duty = console.login(console.page())
    duty.get_by_role("link", name="交接班").click()
    expect(duty.get_by_role("region", name="待处理的警情")).to_contain_text("有人进入水域危险区")
    expect(duty.get_by_role("region", name="待处理的警情")).to_contain_text("已超时")
    expect(duty.get_by_role("region", name="不正常的设备")).to_contain_text("摄像头没有响应")
    duty.get_by_label("交班给").select_option("李强")
    duty.get_by_label("还要交代的").fill("北岸两个孩子，家长在路上")
    _shoot(duty, "shift")
    duty.get_by_role("button", name="交班", exact=True).click()
    expect(duty.get_by_text("等待接班人确认").first).to_be_visible()

    night = console.login(console.page(PHONE, color_scheme="dark"), "night")
    night.get_by_role("link", name="去接班").click()
    expect(night.get_by_text("交班说明：北岸两个孩子")).to_be_visible()
    expect(night.get_by_role("region", name="待处理的警情")).to_contain_text("交给 北一网格")
    _shoot(night, "shift-phone-dark")
    console.site.change(incident, ChangeKind.CLOSED, console.now, state="closed")
    night.get_by_role("button", name="核对无误，接班").click()
    expect(night.get_by_role("heading", name=re.compile("王芳 → 李强.*交接完成"))).to_be_visible()
    duty.reload()
    expect(duty.get_by_role("heading", name=re.compile("交接完成"))).to_be_visible()
    expect(duty.get_by_role("region", name="待处理的警情")).to_contain_text("有人进入水域危险区")  # as it was
    _shoot(duty, "shift-read")
    with console.site.store.read() as session:
        row = session.scalars(select(HandoverRow)).one()
    assert (row.giver, row.taker, row.state, row.ended_by) == ("duty", "night", "taken", "night")
