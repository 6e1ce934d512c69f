"""The map in a real Chromium: on a grid, on an uploaded plan and on tiles, with the list beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lianfang.config.map import Position, SiteMap
from lianfang.config.point import Point
from tests.e2e.test_console import (
    ARGS,
    CHROMIUM,
    PHONE,
    SCREENSHOTS,
    Console,
    _fits,
    _incident,
    _shoot,
    console,
)
from tests.unit.test_map import TILE

__all__ = ["console"]
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # drawn by the processor
WEST, NORTH = 119.9103, 29.9955  # in the middle of the tiles of the tests

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("install Debian's package chromium")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[a for a in ARGS if a != "--disable-gpu"] + WEBGL
        )
        yield browser
        browser.close()


def _placed(console: Console, site_map: SiteMap | None = None) -> None:
    """Give the points and the speaker of the site their places."""
    known = console.site.config
    console.stop()
    console.site.config = known.model_copy(
        update={
            "map": site_map or SiteMap(),
            "points": {
                "lake": known.points["lake"].model_copy(update={"longitude": WEST, "latitude": NORTH}),
                "gate": Point(name="北门", longitude=WEST + 0.0078, latitude=NORTH - 0.0050, datum="gcj02"),
                "yard": Point(name="老年活动中心"),
            },
            "receivers": known.receivers
            | {
                "bank_speaker": known.receivers["bank_speaker"].model_copy(
                    update={"position": Position(longitude=WEST + 0.0004, latitude=NORTH - 0.0003)}
                )
            },
        }
    )
    console.start()


def _colours(page: Page) -> list[tuple[int, ...]]:
    """Return the colours that the map itself draws, the most frequent first: marks are no part of it."""
    page.wait_for_function("() => document.querySelector('[data-drawn=true]')")
    png = page.locator(".maplibregl-canvas").screenshot()
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    values, counts = np.unique(image.reshape(-1, 3) // 16 * 16, axis=0, return_counts=True)
    return [tuple(int(c) for c in values[i]) for i in counts.argsort()[::-1][:8]]


def _draws(page: Page, colour: tuple[int, ...]) -> None:
    """Wait until the map draws ``colour`` (BGR, to the nearest 16)."""
    for _ in range(40):
        if colour in _colours(page):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{colour} is not among {_colours(page)}")


def test_what_stands_where_and_what_is_open_are_on_the_map_and_in_the_list(console: Console) -> None:
    _placed(console)
    console.site.camera("gate_cam", "offline", console.now)
    _incident(console, 1, age_s=40)
    page = console.login(console.page())
    page.get_by_role("link", name="地图").click()
    expect(page.locator("[data-ground=grid]")).to_be_visible()
    expect(page.locator(".mark.point")).to_have_count(2)
    expect(page.locator(".mark.speaker.ready")).to_have_count(1)
    expect(page.locator(".mark.point.alarmed")).to_contain_text("东湖北岸")
    expect(page.locator(".mark.point.offline")).to_contain_text("北门")
    expect(page.locator(".foot")).to_contain_text("每格")
    expect(page.get_by_text("1 个监控点没有坐标")).to_be_visible()
    _fits(page)
    _shoot(page, "map-grid")

    row = page.get_by_role("button", name="东湖北岸")
    row.focus()
    page.keyboard.press("Enter")
    detail = page.locator("li[data-key='point lake']")
    expect(detail).to_contain_text("东经 119.91030° 北纬 29.99550°（WGS-84 坐标）")
    expect(detail.get_by_role("link", name="有人进入水域危险区")).to_be_visible()
    expect(detail).to_contain_text("bank_speaker")
    expect(detail).to_contain_text("51 米")
    detail.get_by_role("button", name="bank_speaker").click()
    speaker = page.locator("li[data-key='speaker bank_speaker']")
    speaker.get_by_role("textbox", name="现在要说的话").fill("请马上离开水边")
    speaker.get_by_role("button", name="播出").click()
    expect(speaker).to_contain_text("排队 1 条 请马上离开水边")
    _fits(page)
    _shoot(page, "map-speaker")
    speaker.get_by_role("button", name="停止").click()
    expect(speaker).not_to_contain_text("排队")
    row.click()
    expect(page).to_have_url(f"http://127.0.0.1:{console.port}/map?at=point+lake")
    page.locator(".mark.point.offline").click()
    expect(page.locator("li[data-key='point gate']")).to_contain_text("GCJ-02 坐标")
    page.get_by_role("button", name="深色").click()
    _shoot(page, "map-dark")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "map-phone")


def test_a_plan_is_uploaded_and_placed_by_two_spots_of_it(console: Console, tmp_path: Path) -> None:
    _placed(console)
    drawing = np.full((600, 900, 3), (216, 232, 216), np.uint8)
    cv2.fillPoly(drawing, [np.array([(0, 380), (900, 260), (900, 420), (0, 540)])], (208, 176, 128))
    for x in range(80, 860, 130):
        cv2.rectangle(drawing, (x, 80), (x + 70, 180), (140, 150, 160), -1)
    cv2.imwrite(str(tmp_path / "plan.png"), drawing)
    page = console.login(console.page())
    page.goto(f"http://127.0.0.1:{console.port}/map")
    page.get_by_role("button", name="平面图", exact=True).click()
    editor = page.get_by_role("region", name="社区平面图")
    editor.locator("input[type=file]").set_input_files(tmp_path / "plan.png")
    editor.get_by_label("原因（必填）").fill("物业提供")
    editor.get_by_role("button", name="上传").click()
    expect(editor).to_contain_text("王芳")

    picture = editor.get_by_role("img", name="平面图")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] * 0.2, "y": box["height"] * 0.2})
    editor.get_by_label("参考点 1 的监控点").select_option("lake")
    expect(editor.get_by_label("参考点 1 的经度")).to_have_value("119.910300")
    editor.get_by_role("button", name="在中央添加参考点").click()
    spot = editor.get_by_role("button", name="参考点 2，用方向键移动")
    spot.focus()
    for _ in range(10):
        page.keyboard.press("Shift+ArrowRight")
    expect(spot).to_have_attribute("style", "left: 70%; top: 50%;")
    editor.get_by_label("参考点 2 的经度").fill("119.9143")
    editor.get_by_label("参考点 2 的纬度").fill("29.9945")
    editor.get_by_label("原因（必填）").fill("现场测量")
    _shoot(page, "map-plan-editor")
    editor.get_by_role("button", name="确定位置").click()
    expect(page.locator("[data-ground=plan]")).to_be_visible()
    expect(page.locator(".foot")).not_to_contain_text("每格")
    page.get_by_role("button", name="平面图", exact=True).click()
    _draws(page, (208, 224, 208))
    _shoot(page, "map-plan")


def test_tiles_of_the_sites_own_are_drawn_under_what_stands_there(console: Console, tmp_path: Path) -> None:
    z, x, y = TILE
    for dx in range(-1, 3):
        for dy in range(-1, 3):
            folder = tmp_path / "tiles" / str(z) / str(x + dx)
            folder.mkdir(parents=True, exist_ok=True)
            tile = np.full((256, 256, 3), (184, 216, 168), np.uint8)
            cv2.line(tile, (0, 128), (255, 128), (240, 240, 240), 9)
            cv2.imwrite(str(folder / f"{y + dy}.png"), tile)
    _placed(console, SiteMap(tiles=tmp_path / "tiles", attribution="东湖街道测绘"))
    page = console.login(console.page())
    page.goto(f"http://127.0.0.1:{console.port}/map")
    expect(page.locator("[data-ground=tiles]")).to_be_visible()
    expect(page.locator(".foot")).to_contain_text("东湖街道测绘")
    _draws(page, (176, 208, 160))
    _shoot(page, "map-tiles")
