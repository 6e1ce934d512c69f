"""The console in a real Chromium, over a real server and a store that the test fills."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from alerts import camera_clocks
from alerts.api.console import STATIC
from alerts.evidence import annotate
from alerts.incidents.model import ChangeKind
from alerts.store import Store
from alerts.store.schema import CameraStateRow, IncidentRow
from lianfang.events import CameraClock
from tests.support.api import PASSWORD, Site, config, serving, wait_for

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
RULE, PLACE = "有人进入水域危险区", "东湖北岸 · 浅水区"
DESK, PHONE = (1366, 768), (390, 844)
COUNT_TONES = """() => {
    window.tones = 0
    const start = OscillatorNode.prototype.start
    OscillatorNode.prototype.start = function (...at) {
        window.tones += 1
        return start.apply(this, at)
    }
}"""

pytestmark = pytest.mark.e2e
expect.set_options(timeout=20_000)


def _need(path: Path, remedy: str) -> None:
    if path.exists():
        return
    message = f"{path} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    _need(CHROMIUM, "install Debian's package chromium")
    _need(STATIC / "index.html", "run `npm ci && npm run build` in alerts/console")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@dataclass
class Console:
    """A site whose server can be stopped and started, and the pages that a test has opened on it."""

    site: Site
    browser: Browser
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    faults: list[str] = field(default_factory=list)
    port: int = 0
    _server: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start the server, on the port that it had before."""
        self.port = self._server.enter_context(serving(self.site.app(), self.port))

    def stop(self) -> None:
        """Stop the server."""
        self._server.close()

    def page(self, size: tuple[int, int] = DESK, **context: Any) -> Page:  # noqa: ANN401
        """Open the console in a fresh browser profile."""
        viewport: ViewportSize = {"width": size[0], "height": size[1]}
        page = self.browser.new_context(viewport=viewport, **context).new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)
        page.goto(f"http://127.0.0.1:{self.port}/")
        return page

    def login(self, page: Page, who: str = "duty") -> Page:
        """Log in, and wait until the wall is live."""
        page.locator("#operator").fill(who)
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".chip.live")).to_be_visible()
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"http://127.0.0.1:{self.port}/", "data:", "blob:")):
            self.faults.append(f"a request to {request.url}")


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    console = Console(Site(config(tmp_path), store), browser)
    for camera in console.site.config.cameras:
        console.site.camera(camera, "online", console.now - timedelta(hours=3, minutes=7))
    console.start()
    yield console
    for context in browser.contexts:
        context.close()
    console.stop()
    store.close()
    assert console.faults == []


def _incident(console: Console, n: int, age_s: float, people: int = 1, **columns: Any) -> str:  # noqa: ANN401
    """Commit an incident with its pictures and what the speaker answered, as the services would."""
    site, at = console.site, console.now - timedelta(seconds=age_s)
    incident = site.open_incident(n, at, people=people, members_total=people, **columns)
    site.picture(incident, *_pictures(site, n, people))
    site.say(incident, "水深危险，请带好孩子，马上离开水边。", "finished", at)
    return incident


def _pictures(site: Site, seed: int, people: int) -> tuple[bytes, bytes]:
    """Return a picture of a bank with people on it, and its copy with their boxes and the zone."""
    generator = np.random.default_rng(seed)
    height, width = 360, 640
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[:] = np.linspace((70, 118, 96), (96, 142, 122), height)[:, None]
    image[:130] = np.linspace((196, 176, 158), (228, 216, 204), 130)[:, None]
    cv2.fillPoly(image, [np.array([(0, 215), (350, 165), (640, 200), (640, 360), (0, 360)])], (128, 104, 70))
    boxes = []
    for person in range(people):
        x, y = int(generator.integers(230, 560)), int(generator.integers(250, 320))
        cv2.ellipse(image, (x, y - 20), (12, 30), 0, 0, 360, (40, 60, 130 + 40 * person), -1)
        cv2.circle(image, (x, y - 58), 9, (125, 155, 195), -1)
        box = ((x - 17) / width, (y - 70) / height, (x + 17) / width, (y + 12) / height)
        boxes.append({"xyxyn": box, "label": "person", "confidence": 0.9})
    noisy = np.clip(image + generator.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    polygon = site.config.cameras["lake_north"].zones["bank"].polygon
    original: bytes = simplejpeg.encode_jpeg(noisy, quality=90, colorspace="BGR")
    return original, annotate(noisy, boxes, polygon)


def _card(page: Page, incident: str) -> Locator:
    return page.locator(f"article[data-incident='{incident}']")


def _pictures_are_loaded(within: Locator, count: int) -> None:
    pictures = within.locator("img")
    expect(pictures).to_have_count(count)
    for i in range(count):
        expect(pictures.nth(i)).to_have_js_property("complete", value=True)
        assert pictures.nth(i).evaluate("image => image.naturalWidth") == 640


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


def test_how_far_a_cameras_clock_is_off_is_on_the_list_of_cameras(console: Console) -> None:
    clock = CameraClock(offset_s=-3725.2, source="osd", at=console.now, off=True)
    with console.site.store.write() as session:
        camera_clocks.told(session.get_one(CameraStateRow, "lake_north"), clock)
        right = clock.model_copy(update={"offset_s": 0.42, "source": "rtcp", "off": False, "trusted": False})
        camera_clocks.told(session.get_one(CameraStateRow, "lake_south"), right)
    page = console.login(console.page())
    page.locator("button.cameras").click()
    off, unsure = (page.locator("section.list li", has_text=text) for text in ("时钟慢", "时钟快"))
    expect(off).to_contain_text("时钟慢 1 小时 2 分（画面文字，")
    expect(off.locator("b")).to_have_text("时钟不准")
    expect(unsure).to_contain_text("时钟快 420 毫秒（视频流，")
    expect(unsure).to_contain_text("本机时钟未校准")
    _shoot(page, "clocks")


def test_what_an_incident_is_about_is_said_in_its_own_words(console: Console) -> None:
    site, at = console.site, console.now - timedelta(minutes=2)
    fault = site.open_incident(1, at, rule="fault", zone="", severity="medium")
    stays = _incident(console, 2, 100, spoken=2, escalated_at=console.now - timedelta(seconds=10))
    guess = _incident(console, 3, 30, subject="粤T1234S", review=True, rule="gate", severity="high")
    page = console.login(console.page())
    expect(_card(page, fault)).to_contain_text("摄像机故障")
    expect(_card(page, fault)).to_contain_text("故障中")
    expect(_card(page, fault)).to_contain_text("1 处故障")
    expect(_card(page, fault)).to_contain_text("没有画面")
    expect(_card(page, fault)).not_to_contain_text("1 人")
    expect(_card(page, stays)).to_contain_text("喊话无效")
    expect(_card(page, stays)).to_contain_text("第 2 次喊话")
    expect(_card(page, guess)).to_contain_text("粤T1234S")
    expect(_card(page, guess)).to_contain_text("待人工核对")
    _fits(page)
    _shoot(page, "words")


def test_login_empty_wall_logout(console: Console) -> None:
    page = console.page()
    expect(page).to_have_title("联防")
    _shoot(page, "login")
    page.locator("#operator").fill("duty")
    page.locator("#password").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_have_text("工号或密码不对。")
    assert [f for f in console.faults if "401" not in f] == []
    console.faults.clear()  # Chromium itself notes the refused log-in

    console.login(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("东湖社区")
    expect(page.locator(".empty")).to_contain_text("3 路摄像头全部在看守")
    expect(page.locator(".empty")).to_contain_text("已 3 小时 7 分")
    expect(page.get_by_role("button", name="摄像头")).to_contain_text("3 / 3 在线")
    _shoot(page, "empty")

    page.get_by_role("button", name="退出登录").click()
    expect(page.locator("#password")).to_be_visible()
    page.goto(f"http://127.0.0.1:{console.port}/")
    expect(page.locator("#password")).to_be_visible()


def test_the_wall_shows_what_is_there_and_what_comes(console: Console) -> None:
    site = console.site
    first = _incident(console, 1, age_s=95, people=2)
    page = console.login(console.page())
    card = _card(page, first)
    for text in (
        RULE,
        PLACE,
        "1号机位",
        "紧急",
        "仍在现场",
        "2 人",
        "已播完",
        "police：确认后才发送",
        "待受理",
    ):
        expect(card).to_contain_text(text)
    expect(card).to_contain_text("水深危险，请带好孩子，马上离开水边。")
    _pictures_are_loaded(card, 1)
    expect(page).to_have_title("1 起待处理 · 联防")

    page.evaluate("window.stillTheSamePage = true")
    second = _incident(console, 2, age_s=5)
    expect(page.locator("article").first).to_have_attribute("data-incident", second)
    _pictures_are_loaded(_card(page, second), 1)
    expect(page.locator("[aria-live=assertive]")).to_contain_text(f"新警情：{RULE}")
    site.change(second, ChangeKind.RAISED, console.now, people=3)
    expect(_card(page, second)).to_contain_text("3 人")
    site.change(first, ChangeKind.CLEARED, console.now, occupied=False, cleared_at=console.now)
    expect(card).to_contain_text("已离开")
    site.camera("gate_cam", "offline", console.now, "timed_out", "no packet for 5 s")
    expect(page.get_by_role("button", name="摄像头")).to_contain_text("2 / 3 在线")
    page.get_by_role("button", name="摄像头").click()
    expect(page.get_by_text("摄像头没有响应")).to_be_visible()
    expect(page.get_by_text("no packet for 5 s")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("window.stillTheSamePage")
    expect(page.locator("article")).to_have_count(2)
    _fits(page)
    _shoot(page, "wall-zh-light")


def _state(console: Console, incident: str) -> str:
    with console.site.store.read() as session:
        return session.get_one(IncidentRow, incident).state


def test_every_action_by_key_and_by_button(console: Console) -> None:
    oldest, middle, newest = (_incident(console, n, age_s=100 - n) for n in (1, 2, 3))
    page = console.login(console.page())
    expect(_card(page, newest)).to_have_attribute("aria-current", "true")

    page.keyboard.press("a")
    expect(_card(page, newest)).to_contain_text("已受理")
    expect(_card(page, newest)).to_contain_text("王芳")
    assert _state(console, newest) == "acknowledged"

    # The news may be quicker than the answer, until which the card takes no other action.
    expect(_card(page, newest).get_by_role("button", name="上报警方")).to_be_enabled()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="上报警方？")
    expect(dialog).to_contain_text("确认后立即发送给")
    expect(dialog.get_by_role("listitem")).to_have_text("police")
    _shoot(page, "confirm")
    assert _state(console, newest) == "acknowledged"
    expect(dialog.get_by_role("button", name="上报警方")).to_be_focused()
    page.keyboard.press("Enter")
    expect(_card(page, newest)).to_contain_text("police：正在发送")
    with console.site.store.read() as session:
        assert session.get_one(IncidentRow, newest).confirmed_by == "duty"
    # The news may be quicker than the answer that closes the dialog, which takes every key until then.
    expect(page.get_by_role("dialog")).to_have_count(0)

    # It has made way for those that nobody has answered.
    expect(page.locator("article").last).to_have_attribute("data-incident", newest)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(_card(page, middle)).to_be_focused()
    page.keyboard.press("f")
    dialog = page.get_by_role("dialog", name="按误报处理？")
    dialog.get_by_label("备注").fill("钓鱼的人，已劝离")
    page.keyboard.press("Enter")
    expect(_card(page, middle)).to_have_count(0)
    handled = page.get_by_role("region", name="最近已处理")
    expect(handled).to_contain_text("误报")
    expect(handled).to_contain_text("钓鱼的人，已劝离")
    assert _state(console, middle) == "false_alarm"

    expect(_card(page, oldest)).to_have_attribute("aria-current", "true")
    _card(page, oldest).get_by_role("button", name="更多").click()
    page.locator(".menu:visible").get_by_role("button", name="结案").click()
    page.get_by_role("dialog", name="结案？").get_by_role("button", name="取消").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert _state(console, oldest) == "new"
    page.keyboard.press("x")
    page.get_by_role("dialog", name="结案？").get_by_role("button", name="结案").click()
    expect(_card(page, oldest)).to_have_count(0)
    assert _state(console, oldest) == "closed"
    expect(page.locator("article")).to_have_count(1)


def test_a_case_goes_to_whoever_walks_there_and_comes_back(console: Console) -> None:
    incident = _incident(console, 1, age_s=60)
    page = console.login(console.page())
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog", name="派人去现场？")
    expect(dialog.get_by_label("交给")).to_have_value("north")  # the cell in which the point lies
    expect(dialog.get_by_label("交给")).to_contain_text("北一网格 · 赵敏 138 0000 0000")
    _shoot(page, "dispatch")
    page.keyboard.press("Enter")
    expect(_card(page, incident)).to_contain_text("已派人")
    expect(_card(page, incident)).to_contain_text("交给 北一网格")
    _shoot(page, "dispatched")

    walker = console.page()
    console.login(walker, "walker")
    buttons = _card(walker, incident).locator(".buttons").get_by_role("button")
    expect(buttons).to_have_count(1)
    walker.keyboard.press("a")  # is not theirs to do
    expect(_card(walker, incident)).to_contain_text("已派人")
    walker.keyboard.press("h")
    dialog = walker.get_by_role("dialog", name="处置结果")
    expect(dialog.get_by_role("button", name="处置结果")).to_be_disabled()
    dialog.get_by_label("处置结果（必填）").fill("已劝离，家长已到")
    walker.keyboard.press("Enter")
    expect(_card(page, incident)).to_contain_text("已处置，待核查")
    assert _state(console, incident) == "handled"


def test_time_limits_are_seen_and_what_waits_is_pressed(console: Console) -> None:
    now = console.now
    timed: dict[str, Any] = dict.fromkeys(("state_since", "alarmed_at"), now - timedelta(seconds=5))
    _incident(console, 1, age_s=5, **timed)
    late: dict[str, Any] = dict.fromkeys(timed, now - timedelta(seconds=400))
    late |= {"overdue": True, "tiers_reached": [0, 1], "tiers_due": [1], "assignee": "north"}
    incident = _incident(console, 2, age_s=400, **late)
    page = console.login(console.page())
    card = _card(page, incident)
    expect(card).to_contain_text("已超时")
    expect(card).to_contain_text("已通知 网格员")
    expect(card).to_contain_text("待确认：通知 警方")
    expect(page.locator("article", has_text="后通知 网格员")).to_contain_text("限时 0:")
    _fits(page)
    _shoot(page, "limits")
    page.locator("article", has_text="待确认").click()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="升级上报？")
    expect(dialog.get_by_role("listitem")).to_have_text("police")
    expect(dialog.get_by_role("button", name="升级上报")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card).to_contain_text("已通知 警方")
    expect(card).to_contain_text("已受理")
    expect(card).to_contain_text("police：正在发送")


def test_what_a_speaker_deals_with_is_calm(console: Console) -> None:
    calm = _incident(console, 1, age_s=10, state="broadcasting")
    urgent = _incident(console, 2, age_s=100, severity="low")
    page = console.page()
    page.evaluate(COUNT_TONES)
    console.login(page)
    wait_for(lambda: page.evaluate("window.tones") == 3)  # the sound test at the log-in
    page.evaluate("window.tones = 0")
    expect(page.locator("article").first).to_have_attribute("data-incident", urgent)
    expect(_card(page, calm)).to_contain_text("喊话中")
    page.get_by_role("button", name="打开提示音").click()
    wait_for(lambda: page.evaluate("window.tones") == 2)
    _incident(console, 3, age_s=1, state="broadcasting")
    expect(page.locator("article")).to_have_count(3)
    _shoot(page, "calm")
    assert page.evaluate("window.tones") == 2
    console.site.change(calm, ChangeKind.ESCALATED, console.now, state="escalated")
    wait_for(lambda: page.evaluate("window.tones") == 8)
    expect(page.locator("article").first).to_have_attribute("data-incident", calm)


def test_somebody_else_was_faster(console: Console) -> None:
    incident = _incident(console, 1, age_s=30)
    page = console.login(console.page())
    expect(_card(page, incident)).to_be_visible()
    # The page does not learn of it: it acts on what it shows.
    page.route("**/api/events*", lambda route: route.abort())
    page.route(
        "**/acknowledge",
        lambda route: route.fulfill(
            status=409, json={"detail": "the incident is closed", "code": "not_allowed"}
        ),
    )
    page.keyboard.press("a")
    expect(page.get_by_text("没有执行")).to_be_visible()
    assert [f for f in console.faults if "409" not in f] == []
    console.faults.clear()


def test_the_detail_has_its_own_address(console: Console) -> None:
    incident = _incident(console, 1, age_s=95, people=2)
    console.site.tell(incident, "dead", mode="drill", at=console.now)
    page = console.login(console.page())
    expect(_card(page, incident)).to_contain_text("演练")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.locator(".timeline li")).to_have_count(4)
    _pictures_are_loaded(drawer, 2)
    for text in (
        "20 毫秒",
        "90 毫秒",
        "100 毫秒",
        "400 毫秒",
        "发现警情",
        "画面已留存",
        "李强",
        "user:***@receiver",
    ):
        expect(drawer).to_contain_text(text)
    _shoot(page, "detail")
    assert page.url.endswith(f"/?incident={incident}")
    page.reload()
    expect(page.get_by_role("dialog").locator(".timeline li")).to_have_count(4)
    page.keyboard.press("a")
    expect(page.get_by_role("dialog").locator(".timeline li")).to_have_count(5)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/$"))


def test_english_and_dark_are_kept(console: Console) -> None:
    _incident(console, 1, age_s=95, people=2)
    _incident(console, 2, age_s=700, camera="lake_south", severity="high", occupied=False)
    page = console.login(console.page(color_scheme="dark"))
    expect(page.locator("html.dark")).to_be_attached()
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("article").first).to_contain_text("Person in the water danger zone")
    expect(page.locator("article").first).to_contain_text("Still there")
    page.reload()
    expect(page.get_by_role("heading", name="Incidents to handle")).to_be_visible()
    _fits(page)
    _shoot(page, "wall-en-dark")
    page.get_by_role("button", name="Switch to light").click()
    expect(page.locator("html.dark")).to_have_count(0)
    page.reload()
    expect(page.locator("article").first).to_be_visible()
    expect(page.locator("html.dark")).to_have_count(0)


def test_a_lost_connection_is_said_and_nothing_is_missed_or_doubled(console: Console) -> None:
    site = console.site
    before = _incident(console, 1, age_s=95)
    page = console.login(console.page())
    expect(_card(page, before)).to_contain_text("仍在现场")
    console.stop()
    expect(page.locator(".banner")).to_contain_text("与服务器的连接已断开")
    expect(_card(page, before)).to_contain_text("断线前仍在现场")
    _shoot(page, "disconnected")
    during = _incident(console, 2, age_s=10)
    site.change(before, ChangeKind.CLEARED, console.now, occupied=False, cleared_at=console.now)
    console.start()
    expect(page.locator(".chip.live")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)
    # Opened, picture, and the speaker's answer of the one; cleared of the other.
    expect(page.get_by_text("补收了 4 条变化")).to_be_visible()
    expect(_card(page, before)).to_contain_text("已离开")
    expect(_card(page, during)).to_have_count(1)
    after = _incident(console, 3, age_s=1)
    expect(_card(page, after)).to_be_visible()
    expect(page.locator("article")).to_have_count(3)
    _pictures_are_loaded(page.locator("#incidents"), 3)
    # While the server was away Chromium noted every attempt that failed; nothing else may have gone wrong.
    assert [f for f in console.faults if "ERR_" not in f] == []
    console.faults.clear()


def test_the_end_of_the_session_leads_to_the_login_and_back(console: Console) -> None:
    incident = _incident(console, 1, age_s=95)
    page = console.login(console.page())
    expect(_card(page, incident)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    headers = {"x-requested-with": "lianfang"}
    page.context.request.post(f"http://127.0.0.1:{console.port}/api/logout", headers=headers)
    expect(page.get_by_text("登录已到期")).to_be_visible()
    assert [f for f in console.faults if "401" not in f] == []
    console.faults.clear()
    console.login(page)
    expect(page).to_have_url(re.compile(f"incident={incident}"))


def test_sound_is_off_until_a_click_allows_it(console: Console) -> None:
    page = console.page()
    page.evaluate(COUNT_TONES)
    console.login(page)
    wait_for(lambda: page.evaluate("window.tones") == 3)  # the sound test at the log-in
    page.evaluate("window.tones = 0")
    _incident(console, 1, age_s=3)
    expect(page.locator("article")).to_have_count(1)
    assert page.evaluate("window.tones") == 0
    page.get_by_role("button", name="打开提示音").click()
    wait_for(lambda: page.evaluate("window.tones") == 2)  # it is heard at once
    _incident(console, 2, age_s=1)
    wait_for(lambda: page.evaluate("window.tones") == 8)
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="打开提示音")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, (820, 1180), (1920, 1080)])
def test_other_screens(console: Console, size: tuple[int, int]) -> None:
    _incident(console, 1, age_s=95, people=2)
    _incident(console, 2, age_s=700, state="closed")
    touch: Callable[[], bool] = lambda: size == PHONE  # noqa: E731
    page = console.login(console.page(size, has_touch=touch(), is_mobile=touch(), device_scale_factor=2))
    _pictures_are_loaded(page.locator("article"), 1)
    _fits(page)
    name = "phone" if size == PHONE else f"wall-{size[0]}"
    _shoot(page, name)
    page.locator("article .look").click()
    expect(page.get_by_role("dialog").locator(".timeline li").first).to_be_visible()
    _fits(page)
