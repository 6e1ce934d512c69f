"""The operator's keys to the speakers, and whether broadcasts help, in a real Chromium."""

from __future__ import annotations

from datetime import timedelta

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
