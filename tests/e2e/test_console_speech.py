"""The operator's keys to the speakers, and whether broadcasts help, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from alerts.store.schema import OutboxRow
from tests.e2e.test_console import SCREENSHOTS, Console, browser, console

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def owed(console: Console) -> list[tuple[str, str, str]]:
    with console.site.store.read() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "speech").order_by(OutboxRow.seq))
        return [(row.receiver, row.payload["speech"]["text"], row.state) for row in rows]


def test_say_it_again_in_other_words_and_be_silent(console: Console) -> None:
    console.site.open_incident(1, console.now - timedelta(seconds=40))
    page = console.login(console.page())
    page.locator("article .look").click()
    page.get_by_role("button", name="再播一遍").click()
    expect(page.get_by_text("bank_speaker正在播报").first).to_be_visible()
    page.get_by_role("button", name="喊话").click()
    send = page.get_by_role("button", name="播出", exact=True)
    expect(send).to_be_disabled()
    page.get_by_label("音柱现在要说的话").fill("穿红衣服的请上岸")
    send.click()
    expect(page.locator(".timeline").get_by_text("穿红衣服的请上岸").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "speech_keys.png")
    assert [(receiver, text) for receiver, text, _ in owed(console)] == [
        ("bank_speaker", "水深危险，请马上离开水边。"),
        ("bank_speaker", "穿红衣服的请上岸"),
    ]
    page.get_by_role("button", name="停止播报").click()
    expect(page.get_by_text("已静音：有新的人来之前不再播报")).to_be_visible()
    assert {state for _, _, state in owed(console)} == {"stopped"}


def test_where_no_speaker_is_heard_there_are_no_keys(console: Console) -> None:
    console.site.open_incident(1, console.now, rule="fault", zone="", severity="medium")
    page = console.login(console.page())
    page.locator("article .look").click()
    expect(page.get_by_text("此处没有音柱")).to_be_visible()
    expect(page.get_by_role("button", name="再播一遍")).to_have_count(0)


def test_whether_broadcasts_help(console: Console) -> None:
    now = datetime.now(UTC)
    for n, (spoken, clear_s) in enumerate([(1, 12), (1, 14), (2, 40), (2, None)]):
        opened_at = now - timedelta(hours=n + 1)
        cleared_at = opened_at + timedelta(seconds=clear_s) if clear_s else None
        state = "false_alarm" if n == 0 else "cleared"
        console.site.open_incident(n, opened_at, spoken=spoken, cleared_at=cleared_at, state=state)
    page = console.login(console.page())
    page.goto(f"http://127.0.0.1:{console.port}/effects")
    expect(page.get_by_role("heading", name="广播效果")).to_be_visible()
    cells = page.get_by_role("row").filter(has_text="有人进入水域危险区").get_by_role("cell")
    expect(cells).to_have_text(["东湖北岸 · 1号机位", "4", "50 %", "25 %", "0 %", "25 %", "14 秒"])
    page.screenshot(path=SCREENSHOTS / "effects.png")
    page.get_by_role("link", name="警情").click()
    expect(page.locator(".chip.live")).to_be_visible()
