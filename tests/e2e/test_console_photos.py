"""A photograph of what came of a case, put to it on the console, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.test_console import SCREENSHOTS, Console, browser, console

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def test_a_photograph_is_put_to_a_case(console: Console, tmp_path: Path) -> None:
    console.site.open_incident(1, console.now, state="handled")
    picture, text = tmp_path / "photo.jpg", tmp_path / "text.jpg"
    cv2.imwrite(str(picture), np.full((300, 400, 3), (90, 160, 90), dtype=np.uint8))
    text.write_text("no picture")
    page = console.login(console.page())
    page.locator("article .look").click()
    photos = page.get_by_role("region", name="现场照片")
    photos.get_by_label("添加照片").set_input_files(picture)
    shown = photos.get_by_role("img", name="王芳 拍的现场照片")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 400
    expect(page.locator(".timeline").get_by_text("附了现场照片")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "photos.png")
    assert console.faults == []
    photos.get_by_label("添加照片").set_input_files(text)
    expect(page.get_by_text("不是可用的图片：只收 8 MB 以内的 JPEG 或 PNG")).to_be_visible()
    (refused,) = console.faults
    assert "422" in refused
    console.faults.clear()
