"""The clip of an incident on the console, played and wound in a real Chromium."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import expect

from alerts.evidence import annotate
from deploy.demo.sample import sample
from lianfang.errors import LianfangError
from tests.e2e.test_console import SCREENSHOTS, Console, browser, console
from tests.support.api import wait_for
from tests.support.video import write_pictures

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def film(folder: Path) -> tuple[bytes, bytes]:
    """Return 30 s of the sample video, 5 pictures a second, and one of them as JPEG."""
    try:
        source = sample(print)
    except LianfangError as error:
        pytest.skip(f"no sample video: {error}")
    with av.open(str(source), "r") as video:
        images = [np.asarray(p.to_ndarray(format="rgb24"), dtype=np.uint8) for p in video.decode(video=0)]
    path = write_pictures(folder / "film.mp4", iter(images[:300:2]), fps=5)
    return path.read_bytes(), annotate(images[100][..., ::-1], [], [])


def test_a_clip_is_played_and_wound(console: Console, tmp_path: Path) -> None:
    incident, (data, jpeg) = console.site.open_incident(1, console.now), film(tmp_path)
    console.site.picture(incident, jpeg, jpeg, captured_at=console.now)
    gap = {
        "since": (console.now + timedelta(seconds=12)).isoformat(),
        "until": (console.now + timedelta(seconds=20)).isoformat(),
    }
    saved = console.site.clip(incident, data, seen=console.now, reason="camera_lost", gaps=[gap])
    page = console.login(console.page((1366, 1100)))
    page.locator("article .look").click()
    clip = page.locator("figure.clip")
    video = clip.locator("video")
    expect(video).to_be_visible()
    wait_for(lambda: video.evaluate("v => v.readyState >= 1"))
    assert video.evaluate("v => [v.videoWidth, v.videoHeight, Math.round(v.duration)]") == [768, 576, 30]
    video.evaluate("v => { v.currentTime = 20 }")
    wait_for(lambda: not video.evaluate("v => v.seeking"))
    video.evaluate("v => v.play()")
    wait_for(lambda: video.evaluate("v => v.currentTime > 20.5"))
    video.evaluate("v => v.pause()")
    expect(clip.get_by_text("摄像头中断，录像到此为止")).to_be_visible()
    expect(clip.get_by_text("没有画面")).to_be_visible()
    expect(clip.get_by_role("link", name="下载")).to_have_attribute("download", f"{saved}.mp4")
    clip.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "clip.png")
    assert console.faults == []


@pytest.mark.parametrize(
    ("state", "reason", "said", "in_english"),
    [
        ("pending", "", "正在录制", "Being recorded"),
        ("missing", "no_frames", "没有录像：当时的画面没有留下", "No clip: no picture of that time was kept"),
        ("missing", "failed", "没有录像：没有制作成功", "No clip: it could not be made"),
        ("missing", "disk_full", "没有录像：磁盘将满", "No clip: the disk is nearly full"),
        ("missing", "dropped", "录像已删除", "The clip was deleted"),
    ],
)
def test_what_is_missing_is_said(
    console: Console, state: str, reason: str, said: str, in_english: str
) -> None:
    incident = console.site.open_incident(1, console.now)
    columns = {"state": state, "reason": reason, "file": "", "begins_at": None, "ends_at": None}
    console.site.clip(incident, b"", seen=console.now, **columns)
    page = console.login(console.page())
    page.locator("article .look").click()
    clip = page.locator("figure.clip")
    expect(clip.get_by_text(said)).to_be_visible()
    expect(clip.locator("video")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Switch to English").click()
    page.locator("article .look").click()
    expect(clip.get_by_text(in_english)).to_be_visible()
    assert console.faults == []
