"""The cameras page in a real Chromium: found, looked at live, zones drawn on the picture, tried and saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from alerts.store import uptime
from lianfang import codec
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from lianfang.config import Config, costs
from lianfang.config.sharing import log_keys
from lianfang.events import OBSERVATIONS
from tests.e2e.test_console import PHONE, Console, _fits, _pictures, _shoot, browser, console
from tests.integration.test_api_live import MEASURED
from tests.integration.test_api_settings import config
from tests.support.api import Client
from tests.support.live import running
from tests.support.observations import START, observation

__all__ = ["browser", "config", "console"]  # fixtures
pytestmark = pytest.mark.e2e
OUTDATED = "有人刚刚改过配置"


@contextmanager
def site(console: Console, config: Config) -> Iterator[Bus]:
    """Give the bus of a site on which a camera runs, and on which somebody stood in the water a while ago."""
    picture, _ = _pictures(console.site, 3, 2)
    console.stop()
    with closing(EmbeddedBus.own(config.data_dir)) as bus:
        console.site = replace(console.site, config=config, live=bus, clock=SystemClock())
        key, ago = log_keys(config)["cam"], console.now - timedelta(minutes=10) - START
        for t in range(20):
            seen = observation(t, {1: (0.5, 0.9)} if t < 8 else {})
            moved = {
                name: getattr(seen, name) + ago for name in ("captured_at", "published_at", "detected_at")
            }
            bus.publish(OBSERVATIONS, key, *codec.encode_event(seen.model_copy(update=moved))).result(10)
        costs.keep(config.data_dir, console.now, {"cam": MEASURED})
        with console.site.store.write() as session:
            wrong = "offline", console.now - timedelta(hours=5), "unauthorized", "401 Unauthorized"
            uptime.camera_changed(session, "cam", *wrong)
        console.site.camera("cam", "online", console.now - timedelta(hours=4))
        console.start()
        with running(bus, "cam", key, 0.2, picture):
            yield bus
        console.stop()


def drawn(board: Locator, *corners: tuple[float, float]) -> None:
    """Click corners, 0-1 of the picture."""
    box = board.bounding_box()
    assert box is not None
    for x, y in corners:
        board.click(position={"x": x * box["width"], "y": y * box["height"]})


def dragged(page: Page, board: Locator, begin: tuple[float, float], end: tuple[float, float]) -> None:
    box = board.bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()


def test_a_camera_is_found_and_looked_at(console: Console, config: Config) -> None:
    with site(console, config):
        page = console.login(console.page())
        page.get_by_role("link", name="摄像头", exact=True).click()
        row = page.locator('[data-camera="cam"]')
        for text in ("一号", "东岸", "在线", "0.64 核", "RTSP 码流", "用户名或密码不对"):
            expect(row).to_contain_text(text)
        page.get_by_role("searchbox").fill("岸 二")
        expect(row).to_have_count(0)
        expect(page).to_have_url(re.compile(r"/cameras\?q=%E5%B2%B8\+%E4%BA%8C$"))
        page.reload()
        expect(page.locator("[data-camera]")).to_have_count(1)
        page.get_by_role("searchbox").fill("")
        page.locator('[data-state="online"]').click()
        expect(page.locator("[data-camera]")).to_have_attribute("data-camera", "cam")
        page.locator('[data-state="online"]').click()
        _shoot(page, "cameras")
        _fits(page)

        row.click()
        live = page.locator("[data-live]")
        expect(live.locator("img")).to_have_count(0)  # nothing is read before somebody asks
        live.get_by_label("查看原因（可不填）").fill("走失儿童")
        live.get_by_role("button", name="查看").click()
        expect(live.locator("figcaption")).to_contain_text("实时")
        expect(live.locator("figcaption")).to_contain_text("识别到 1 个目标")
        expect(live.locator("img")).to_have_js_property("naturalWidth", 640)
        expect(live.locator("rect")).to_have_count(1)
        page.get_by_role("button", name="刷新").click()
        expect(page.locator("[data-look]")).to_contain_text("王芳 · 实时画面 走失儿童")
        _shoot(page, "camera-live")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        _fits(page)
        _shoot(page, "camera-live-phone")
        live.get_by_role("button", name="停止").click()
        expect(live.locator("figcaption")).to_contain_text("已停止")
        page.get_by_role("button", name="换成深色").click()
        page.get_by_role("link", name="← 全部摄像头").click()
        expect(row).to_be_visible()
        _fits(page)
        _shoot(page, "cameras-phone-dark")


def test_a_zone_is_drawn_tried_and_saved(console: Console, config: Config) -> None:
    with site(console, config):
        page = console.login(console.page())
        page.goto(f"http://127.0.0.1:{console.port}/cameras/cam")
        page.get_by_role("tab", name="区域和线").click()
        page.locator('[data-drawn="water"]').click()
        editor = page.locator("[data-editor]")
        board, corner = editor.locator(".board"), editor.locator(".corner")
        expect(board.locator("img")).to_have_js_property("naturalWidth", 640)

        board.focus()
        page.keyboard.press("n")
        expect(corner).to_have_text("顶点 1 / 4：0.2，0.2")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
        expect(corner).to_have_text("顶点 1 / 4：0.2016，0.2278")  # 1 of 640 pixels, 10 of 360
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+z")
        expect(corner).to_have_text("顶点 1 / 4：0.2，0.2")
        page.keyboard.press("Control+y")
        expect(corner).to_have_text("顶点 1 / 4：0.2016，0.2")
        page.keyboard.press("+")
        expect(corner).to_contain_text("顶点 2 / 5")
        page.keyboard.press("Delete")
        expect(corner).to_contain_text("顶点 2 / 4")
        dragged(page, board, (0.2016, 0.2), (0.9, 0.7))
        expect(editor.get_by_role("alert")).to_contain_text("自相交叉")
        expect(editor.get_by_role("button", name="保存")).to_have_count(0)
        _shoot(page, "camera-zone-crossing")
        page.keyboard.press("Control+z")
        expect(editor.get_by_role("alert")).to_have_count(0)

        test = editor.locator("[data-test]")
        test.get_by_role("button", name="用最近一天试运行").click()
        expect(test.get_by_role("status")).to_contain_text("会有 2 起警情", timeout=60_000)
        then, now = test.locator("[data-hit]").nth(0), test.locator("[data-hit]").nth(1)
        expect(then).to_contain_text("有人进入")
        expect(then).to_contain_text("当时的画面没有保留")
        expect(now).to_contain_text("新增")
        now.scroll_into_view_if_needed()
        expect(now.locator("img")).to_have_js_property("naturalWidth", 640)
        _shoot(page, "camera-zone-tried")

        other = Client(console.port)
        other.login()
        stanza = {"name": "水边", "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]], "speakers": ["horn"]}
        body = {"stanza": stanza, "reason": "另一位", "based_on": 0}
        assert other.request("PUT", "/api/zones/cam/water", body).status == 200
        editor.get_by_label("理由（必填）").fill("水位上涨")
        editor.get_by_role("button", name="保存").click()
        expect(editor.get_by_role("alert").last).to_contain_text(OUTDATED)
        assert [f for f in console.faults if "409" not in f] == []
        console.faults.clear()  # Chromium itself notes what was refused
        editor.get_by_label("名称").fill("水边台阶")
        editor.get_by_role("button", name="保存").click()
        expect(page.locator('[data-drawn="water"]')).to_contain_text("水边台阶")
        (zone,) = [z for z in other.get("/api/zones").json if z["camera"]["id"] == "cam"]
        assert zone["stanza"]["polygon"][0] == [0.2016, 0.2]
        assert (zone["stanza"]["name"], zone["stanza"]["speakers"]) == ("水边台阶", ["horn"])

        editor.get_by_role("button", name="新区域").click()
        drawn(board, (0.3, 0.3), (0.6, 0.3), (0.6, 0.95), (0.3, 0.95), (0.3, 0.3))
        test.get_by_role("combobox").select_option(label="有人进入")
        test.get_by_role("button", name="用最近一天试运行").click()
        expect(test.get_by_role("status")).to_contain_text("会有 2 起警情", timeout=60_000)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        _fits(page)
        _shoot(page, "camera-zone-phone")
        editor.get_by_role("button", name="关闭").click()

        editor.get_by_role("button", name="新线").click()
        drawn(board, (0.1, 0.5), (0.9, 0.6))
        editor.get_by_label("理由（必填）").fill("入口")
        editor.get_by_role("button", name="保存").click()
        expect(page.locator('[data-drawn="line_2"]')).to_be_visible()
        (line,) = other.get("/api/lines").json
        assert line["stanza"]["zone"] == "water"
        assert line["stanza"]["start"] == pytest.approx([0.1, 0.5], abs=0.01)
