"""A recording is sent on the console, heard there and taken back, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from alerts.voice import sound
from lianfang.clock import SystemClock
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, browser, console
from tests.e2e.test_console_profiles import started
from tests.support.api import config
from tests.support.voice import tone

__all__ = ["browser", "console"]  # fixtures
pytestmark = pytest.mark.e2e


def test_a_recording_is_sent_heard_and_taken_back(console: Console, tmp_path: Path) -> None:
    console.site.clock = SystemClock()
    started(console, config(tmp_path))
    file, nothing = tmp_path / "录音.wav", tmp_path / "nothing.wav"
    file.write_bytes(sound.wav(tone(1.5)))
    nothing.write_bytes(b"nothing")
    page = console.login(console.page())
    page.get_by_role("link", name="启停与录音").click()
    line = page.get_by_role("region", name="播报录音").get_by_role("listitem").first
    expect(line).to_contain_text("合成语音")
    upload = line.get_by_label("上传录音")
    upload.set_input_files(nothing)
    expect(page.get_by_text("这个文件不能用：found another format")).to_be_visible()
    console.faults.clear()  # Chromium itself notes what was refused
    upload.set_input_files(file)
    expect(line).to_contain_text("王芳")
    expect(line).to_contain_text("1.5 秒")
    heard = line.locator("audio").evaluate(
        "audio => new Promise((heard, failed) => {"
        "audio.oncanplaythrough = () => heard(audio.duration); audio.onerror = failed; audio.load() })"
    )
    assert heard == pytest.approx(1.5, abs=0.1)
    line.scroll_into_view_if_needed()
    _shoot(page, "recordings")
    _fits(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "recordings-phone")
    line.get_by_role("button", name="改回合成语音").click()
    expect(line.locator("audio")).to_have_count(0)
