"""Tests on the spot in a real Chromium, on a phone: am I seen, is it heard, and the gaps on the map."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from alerts.store.walks import AudibilityRow, WalkTestRow
from tests.e2e.test_console import PHONE, Console, _fits, _shoot, console
from tests.e2e.test_console_map import NORTH, WEST, _placed, browser

__all__ = ["browser", "console"]
pytestmark = pytest.mark.e2e


def _saw(console: Console, **columns: Any) -> None:  # noqa: ANN401
    """Write what the alert worker would see of the test that goes on."""
    with console.site.store.write() as session:
        (row,) = session.scalars(select(WalkTestRow).where(WalkTestRow.ended_at.is_(None)))
        for name, value in columns.items():
            setattr(row, name, value)


def _with_zones(console: Console) -> None:
    known = console.site.config
    river = known.rules["river"].model_copy(update={"zones": ("bank",)})
    console.site.config = known.model_copy(update={"rules": known.rules | {"river": river}})


def test_a_worker_walks_into_a_zone_and_sees_at_once_whether_they_are_seen(
    console: Console, tmp_path: Path
) -> None:
    _with_zones(console)
    _placed(console)
    position = {"latitude": NORTH + 0.0003, "longitude": WEST, "accuracy": 6}
    phone = console.page(PHONE, permissions=["geolocation"], geolocation=position)
    page = console.login(phone, "walker")
    page.get_by_role("link", name="现场测试").click()
    page.get_by_label("摄像机与区域").select_option("lake_north/bank")
    page.get_by_role("button", name="用手机定位测距").click()
    expect(page.get_by_text("误差约 6 米")).to_be_visible()
    expect(page.get_by_label("其他距离（米）")).to_have_value("33")
    page.get_by_label("备注（衣着、天气等，可不填）").fill("深色衣服")
    _fits(page)
    _shoot(page, "walk-form-phone")
    page.get_by_role("button", name="开始，我走进去").click()
    live = page.get_by_role("region", name="正在进行的走测")
    expect(live).to_contain_text("还没有看到你")
    _saw(console, pictures=12)
    expect(live).to_contain_text("0 / 12")
    began = datetime.now(UTC)
    seen = {"seen": 8, "heights_px": 640, "height_px": 84, "most": 1, "confidence": 0.8, "pictures": 20}
    _saw(console, **seen, seen_at=began + timedelta(seconds=4), last_seen_at=began)
    expect(live).to_contain_text("看到了，还没有报警")
    expect(live).to_contain_text("84 像素")
    _saw(console, alert_at=began + timedelta(seconds=24), rule="river")
    expect(live).to_contain_text("会报警")
    expect(live).to_contain_text("规则：有人进入水域危险区")
    _shoot(page, "walk-live-phone")
    live.get_by_role("button", name="结束").click()
    expect(live).to_contain_text("看到了，会报警")
    expect(live).to_contain_text("80 像素")
    expect(live.get_by_text("秒内离开区域")).to_be_visible()
    live.get_by_role("button", name="再测一次").click()
    kept = page.get_by_role("region", name="走测记录")
    expect(kept.get_by_role("listitem")).to_contain_text("会报警")
    with page.expect_download() as download:
        kept.get_by_role("link", name="导出 CSV").click()
    download.value.save_as(tmp_path / "walks.csv")
    (row,) = csv.DictReader((tmp_path / "walks.csv").read_text("utf-8-sig").splitlines())
    assert (row["by"], row["distance_m"], row["accuracy_m"], row["verdict"]) == (
        "赵敏",
        "33.0",
        "6.0",
        "alarmed",
    )

    console.site.open_incident(1, console.now)
    page.get_by_role("button", name="开始，我走进去").click()
    expect(page.get_by_text("这个点有未结事件，先处理完再走测")).to_be_visible()
    assert [fault for fault in console.faults if "409" not in fault] == []
    console.faults.clear()  # Chromium itself notes the refusal


def test_how_a_speaker_is_heard_is_noted_and_the_map_shows_the_gaps(console: Console) -> None:
    _placed(console)
    console.site.camera("gate_cam", "offline", console.now)
    page = console.login(console.page(PHONE), "walker")
    page.goto(f"http://127.0.0.1:{console.port}/walk?tab=heard")
    page.get_by_role("combobox", name="喇叭", exact=True).select_option("bank_speaker")
    page.get_by_role("button", name="30 米").click()
    page.get_by_label("音量").fill("70")
    page.get_by_role("button", name="勉强").click()
    kept = page.get_by_role("region", name="听测记录")
    expect(kept.get_by_role("listitem")).to_contain_text("30 米")
    page.get_by_role("button", name="50 米").click()
    page.get_by_label("站在哪个区域（可不填）").select_option("lake_north/bank")
    page.get_by_role("button", name="听不到").click()
    expect(kept.get_by_role("listitem")).to_have_count(2)
    _fits(page)
    _shoot(page, "walk-heard-phone")
    with console.site.store.read() as session:
        rows = session.scalars(select(AudibilityRow).order_by(AudibilityRow.seq)).all()
    assert [(row.heard, row.distance_m, row.volume_pct, row.zone) for row in rows] == [
        ("hardly", 30, 70, ""),
        ("not", 50, 70, "bank"),
    ]

    desk = console.login(console.page())
    desk.goto(f"http://127.0.0.1:{console.port}/map")
    desk.get_by_role("button", name="覆盖").click()
    expect(desk.locator(".cover")).to_have_count(2)
    expect(desk.locator(".cover:has(.hearing)")).to_contain_text("2 处听不到")
    expect(desk.locator(".cover:has(.sight)")).to_contain_text("1 处看不到")
    gaps = desk.get_by_role("list", name="按监控点").get_by_role("listitem")
    expect(gaps).to_have_count(4)
    expect(gaps.nth(0)).to_contain_text("老年活动中心")
    expect(gaps.nth(0)).to_contain_text("没有摄像机")
    expect(gaps.nth(1)).to_contain_text("摄像机离线或看不清")
    _fits(desk)
    _shoot(desk, "coverage")
    desk.get_by_role("button", name="深色").click()
    _shoot(desk, "coverage-dark")
    gaps.nth(2).get_by_role("link", name="去走测").click()
    expect(desk.get_by_label("摄像机与区域")).to_have_value("lake_north/bank")
    _shoot(desk, "walk-dark")
    page.goto(f"http://127.0.0.1:{console.port}/map?layer=coverage")
    expect(page.get_by_text("没有摄像机").first).to_be_visible()
    _fits(page)
    _shoot(page, "coverage-phone")
