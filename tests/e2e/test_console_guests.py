"""A shop's camera, from the invitation to the withdrawal: in a real Chromium, over real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, Locator, Page, expect

from alerts.store.guests import GuestRow, LookRow
from alerts.store.schema import EvidenceRow
from tests.e2e.installation import WAIT_S, Installation, Outside, ready, until
from tests.e2e.test_console import PHONE, _fits, _shoot, browser
from tests.support.configs import SECRETS
from tests.support.guests import LOGIN
from tests.support.rtsp_server import Login, RtspServer

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.e2e
CELL = b"ingest.guests.cell"


@pytest.fixture
def shop(video: Path) -> Iterator[RtspServer]:
    with RtspServer(video, Login(*LOGIN)) as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, outside: Outside, shop: RtspServer) -> Iterator[Installation]:
    """A community whose own camera gives nothing, so that all that is seen is the shop's."""
    own = {"kind": "rtsp", "url": "rtsp://127.0.0.1:1/"}
    site = Installation(tmp_path, outside, own, notify=[], speech=None, life_safety=False)
    key = tmp_path / "guests.key"
    key.write_text(Fernet.generate_key().decode())
    site.config["guests"] = {
        "key": {"file": str(key)},
        "networks": ["127.0.0.0/8"],
        "ports": [shop.port],
        "rules": ["entry"],
    }
    with site:
        until("the API", lambda: ready(site))
        yield site


def page_of(browser: Browser, size: tuple[int, int]) -> Page:
    return browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()


def _is_drawn(picture: Locator) -> bool:
    """Say whether there is a picture, and not only a place for one."""
    return bool(picture.evaluate("async (img) => (await img.decode(), img.naturalWidth > 100)"))


def cells() -> list[int]:
    """Return the processes that read guests' cameras and have this one among their ancestors' files."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found += [int(process.name)] if CELL in (process / "cmdline").read_bytes() else []
            except OSError:
                continue
    return found


def test_a_shop_shares_its_camera_and_withdraws(
    site: Installation, shop: RtspServer, browser: Browser
) -> None:
    before = set(cells())
    operator = page_of(browser, (1366, 900))
    operator.goto(f"http://127.0.0.1:{site.port}/guests")
    operator.locator("#operator").fill("operator")
    operator.locator("#password").fill(SECRETS["TEST_PASSWORD"])
    operator.keyboard.press("Enter")
    operator.get_by_label("摄像机拍摄的地方").fill("便民超市门口")
    operator.get_by_role("button", name="发出邀请").click()
    link = operator.locator(".once code").inner_text()
    _shoot(operator, "guests-invited")

    owner = page_of(browser, PHONE)
    owner.goto(link)
    expect(owner.get_by_text("测试社区邀请您接入摄像机：便民超市门口")).to_be_visible()
    owner.get_by_label("地址", exact=True).fill("rtsp://169.254.169.254:554/")
    owner.get_by_label("用户名").fill(LOGIN[0])
    owner.get_by_label("密码", exact=True).fill(LOGIN[1])
    owner.get_by_role("button", name="看画面").click()
    expect(owner.get_by_text("不允许这个")).to_be_visible()
    owner.get_by_label("地址", exact=True).fill(shop.url)
    owner.get_by_role("button", name="看画面").click()
    picture = owner.locator(".frame img")
    expect(picture).to_be_visible()
    assert _is_drawn(picture)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    owner.mouse.move(box["x"] + 4, box["y"] + 4)
    owner.mouse.down()
    owner.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4, steps=4)
    owner.mouse.up()
    expect(owner.get_by_text("已遮挡 1 处")).to_be_visible()
    owner.get_by_label("安装在").select_option("toilet")
    expect(owner.get_by_text("法律禁止在这里安装摄像机，不能接入。")).to_be_visible()
    owner.get_by_label("安装在").select_option("entrance")
    owner.get_by_label("有人进入").check()
    expect(owner.locator("[data-consent]")).to_contain_text("不进行人脸识别")
    owner.get_by_label("您的姓名").fill("陈老板")
    owner.get_by_label("我已阅读并同意以上全部条款").check()
    _shoot(owner, "guests-connect")
    _fits(owner)
    owner.get_by_role("button", name="同意并接入").click()
    mine = owner.locator(".once code").inner_text()

    owner.goto("about:blank")
    owner.goto(mine)
    expect(owner.get_by_text("共享中")).to_be_visible()
    expect(owner.get_by_text("在线", exact=False)).to_be_visible(timeout=WAIT_S * 1000)
    ours = set(cells()) - before
    assert len(ours) == 1
    kept = until(
        "a picture of an incident",
        lambda: [
            row for row in site.rows(EvidenceRow) if row.state == "kept" and row.camera.startswith("guest_")
        ],
    )
    file = site.folder / "data" / "evidence" / kept[0].original
    assert file.exists()

    guest = operator.locator("[data-guest]")
    guest.get_by_role("button", name="查看画面").click()
    guest.get_by_label("理由").fill("核对位置")
    guest.get_by_role("button", name="查看画面").last.click()
    expect(guest.locator("img")).to_be_visible()
    assert _is_drawn(guest.locator("img"))
    _shoot(operator, "guests-running")
    expect(owner.locator("[data-look]").first).to_contain_text("值班员 · 画面")
    expect(owner.locator("[data-look]").first).to_contain_text("核对位置")

    owner.get_by_role("button", name="撤回同意").click()
    _shoot(owner, "guests-mine")
    owner.get_by_role("button", name="确定撤回").click()
    expect(owner.get_by_text("已撤回")).to_be_visible()
    expect(owner.get_by_text("已删除图片")).to_be_visible()
    until("the end of its process", lambda: not ours & set(cells()), 15)
    _shoot(owner, "guests-withdrawn")
    _fits(owner)
    expect(guest).to_contain_text("已撤回")
    assert not file.exists()
    until("the end of its frames", lambda: not list((site.folder / "data").rglob("guest_*.ring")), 15)
    (row,) = site.rows(GuestRow)
    assert (row.state, row.sealed, row.ended_by) == ("withdrawn", "", "owner")
    assert [look.what for look in site.rows(LookRow)] == ["preview"]
    for context in browser.contexts:
        context.close()
    site.stop()
    secret = LOGIN[1].encode()
    files = [site.log, *(path for path in (site.folder / "data").rglob("*") if path.is_file())]
    assert [path for path in files if secret in path.read_bytes()] == []
    site.start()
