"""The page of an incident and the list of all of them, in a real Chromium."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from alerts.incidents.model import ChangeKind
from lianfang.config import Secret
from lianfang.config.api import Operator
from tests.e2e.test_console import PHONE, Console, _fits, _incident, _pictures_are_loaded, _shoot, console
from tests.e2e.test_console_map import _placed, browser
from tests.support.api import HASHER, PASSWORD

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def _second_operator(console: Console) -> None:
    _placed(console)
    known = console.site.config
    file = known.data_dir.parent / "second"
    file.write_text(HASHER.hash(PASSWORD))
    second = Operator(name="李强", password_hash=Secret(file=file))
    operators = known.api.operators | {"second": second}
    console.stop()
    console.site.config = known.model_copy(
        update={"api": known.api.model_copy(update={"operators": operators})}
    )
    console.start()


def test_an_incident_has_a_page_with_its_chain_its_map_and_its_export(console: Console) -> None:
    _second_operator(console)
    incident = _incident(console, 1, age_s=60)
    site, now = console.site, console.now
    site.change(incident, ChangeKind.UNSAID, now - timedelta(seconds=30), silent="quiet_hours")
    page = console.login(console.page())
    page.locator(f"article[data-incident='{incident}']").get_by_role("button", name="详情").first.click()
    page.get_by_role("link", name="打开事件页").click()
    expect(page).to_have_url(f"http://127.0.0.1:{console.port}/incidents/{incident}")
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text("有人进入水域危险区")
    chain = page.locator(".chain")
    expect(chain.locator(".who").first).to_be_visible()
    who = chain.locator(".who").all_text_contents()
    assert who[:4] == ["画面", "画面", "识别", "判定"]
    assert {"指令", "回答"} <= set(who)
    expect(chain.locator("li.decision")).to_contain_text("+10 毫秒")
    expect(chain.locator("li.command")).to_contain_text("喊话指令发给 bank_speaker")
    expect(chain.locator("li.answer")).to_contain_text("+290 毫秒")
    expect(page.get_by_text("静音时段，没有喊话").first).to_be_visible()
    expect(page.locator("[data-ground=grid]")).to_be_visible()
    _pictures_are_loaded(page.locator(".pictures"), 2)

    export = page.get_by_role("region", name="导出")
    export.get_by_label("导出原因").fill("派出所调取")
    export.get_by_role("button", name="申请导出").click()
    expect(export.locator("[data-export=waiting]")).to_contain_text("王芳")
    expect(chain.locator("li.people")).to_contain_text("申请导出")
    _fits(page)
    _shoot(page, "incident")

    second = console.login(console.page(PHONE), "second")
    second.goto(f"http://127.0.0.1:{console.port}/incidents/{incident}")
    second.get_by_role("region", name="导出").get_by_role("button", name="批准").click()
    _fits(second)
    second.screenshot(path="build/screenshots/incident-phone.png", full_page=True)
    expect(export.locator("[data-export=approved]")).to_be_visible()
    with page.expect_download() as download:
        export.get_by_role("link", name="下载 ZIP").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert "pictures/01-annotated.jpg" in archive.namelist()
        (console.site.config.data_dir / "shown.jpg").write_bytes(archive.read("pictures/01-annotated.jpg"))
    expect(chain).to_contain_text("已导出")


def test_incidents_of_any_time_are_found_and_the_filters_stand_in_the_address(console: Console) -> None:
    site, now = console.site, console.now
    for n in range(33):
        site.open_incident(n, now - timedelta(hours=n), state="closed", subject=f"粤T{n:05d}")
    gate = site.open_incident(40, now - timedelta(days=3), rule="gate", point="gate", camera="gate_cam")
    page = console.login(console.page())
    page.get_by_role("link", name="事件", exact=True).click()
    rows = page.locator("button[data-incident]")
    expect(rows).to_have_count(30)
    page.get_by_role("button", name="再往前").click()
    expect(rows).to_have_count(34)
    page.get_by_role("combobox", name="地点").select_option("gate")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(f"http://127.0.0.1:{console.port}/incidents?point=gate")
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_role("combobox", name="状态").select_option("closed")
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("没有符合条件的事件。")
    page.get_by_role("button", name="清除筛选").click()
    page.get_by_role("textbox", name="查找").fill("T00007")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    expect(rows).to_have_count(30)
    _fits(page)
    _shoot(page, "incidents")
    page.goto(f"http://127.0.0.1:{console.port}/incidents?rule=gate")
    rows.first.click()
    expect(page).to_have_url(f"http://127.0.0.1:{console.port}/incidents/{gate}")
