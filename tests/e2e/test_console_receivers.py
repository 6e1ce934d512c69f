"""A receiver that wants no more calls, on the console in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from alerts.store import receivers
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console

__all__ = ["browser", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def test_a_receiver_that_wants_no_more_is_shown_and_called_again(console: Console) -> None:
    with console.site.store.write() as session:
        receivers.disable(session, "police", now=console.site.clock.now(), reason="answered 410: gone")
    console.site.tell(console.site.open_incident(1))
    page = console.login(console.page())
    chip = page.get_by_role("status").filter(has_text="police不再接收消息，1条待发（answered 410: gone）")
    expect(chip).to_be_visible()
    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "receiver-phone")
    page.get_by_role("button", name="恢复发送").click()
    expect(chip).to_have_count(0)
    with console.site.store.read() as session:
        assert receivers.disabled(session) == frozenset()


def test_a_worker_reads_it_and_changes_nothing(console: Console) -> None:
    with console.site.store.write() as session:
        receivers.disable(session, "police", now=console.site.clock.now(), reason="answered 410: gone")
    page = console.login(console.page(), "walker")
    expect(page.get_by_role("status").filter(has_text="police不再接收消息")).to_be_visible()
    expect(page.get_by_role("button", name="恢复发送")).to_have_count(0)


def test_dead_letters_are_shown_and_sent_again(console: Console) -> None:
    now = console.site.clock.now()
    for n, outcome in ((1, "dead"), (2, "dead"), (3, "200")):
        console.site.tell(console.site.open_incident(n, now), outcome, at=now)
    page = console.login(console.page())
    page.get_by_role("link", name="管理").click()
    page.get_by_role("link", name="送达").click()
    police = page.locator('[data-receiver="police"]')
    expect(police).to_contain_text("待发 0 条，死信 2 条")
    dead = page.get_by_role("region", name="死信")
    expect(dead.get_by_role("listitem")).to_have_count(2)
    _fits(page)
    _shoot(page, "deliveries")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "deliveries-phone")
    dead.get_by_role("button", name="再发一次", exact=True).first.click()
    expect(police).to_contain_text("待发 1 条，死信 1 条")
    dead.get_by_role("button", name="列出的全部再发（1 条）").click()
    expect(police).to_contain_text("待发 2 条，死信 0 条")
    expect(dead).to_contain_text("这段时间没有死信")
    # It has lost what it had taken: that goes again as well.
    dead.get_by_label("接收方").select_option("police")
    dead.get_by_label("包括它已收到的").check()
    dead.get_by_role("button", name="这段时间的再发一次").click()
    expect(police).to_contain_text("待发 3 条，死信 0 条")


def test_dead_letters_in_english_and_a_worker_who_sends_nothing(console: Console) -> None:
    now = console.site.clock.now()
    console.site.tell(console.site.open_incident(1, now), "dead", at=now)
    page = console.login(console.page(), "walker")
    page.get_by_role("button", name="Switch to English").click()
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("link", name="Deliveries").click()
    dead = page.get_by_role("region", name="Dead letters")
    expect(dead.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("button", name="Send again")).to_have_count(0)
    _shoot(page, "deliveries-en")
    dead.get_by_role("link", name="Show the incident").click()
    expect(page.get_by_role("dialog")).to_be_visible()
