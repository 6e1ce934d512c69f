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
