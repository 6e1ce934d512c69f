"""The speakers' page in a real Chromium: state, calls, stop, hours, the microphone, and 全部停播."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alerts.api.console import STATIC
from alerts.channels import speaker_line_out, speaker_onvif
from alerts.channels.base import Quieter, SpeakerConfig
from alerts.delivery.worker import DeliveryWorker
from alerts.metrics import DeliveryMetrics
from alerts.store import Store, speakers
from alerts.store.calls import CallRow
from alerts.store.schema import OutboxRow
from alerts.voice.clips import Clips
from lianfang.clock import SystemClock
from lianfang.config import Text
from lianfang.config.schedule import Window
from lianfang.config.voice import Voice
from tests.e2e.test_console import (
    ARGS,
    CHROMIUM,
    DESK,
    PHONE,
    SCREENSHOTS,
    Console,
    _fits,
    _need,
    _shoot,
)
from tests.support.api import Site, config, wait_for

__all__: list[str] = []
pytestmark = pytest.mark.e2e
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
CARD = 'pcm.card {{ type file slave.pcm null file "{folder}/card" format raw }}\npcm.null {{ type null }}\n'


def _site(folder: Path, store: Store) -> Site:
    known = config(folder)
    noon = Quieter(windows=(Window(begin="12:00", end="14:00"),), max_volume_pct=40)
    bank = SpeakerConfig(name=Text(zh="北岸音柱", en="North bank horn"), quieter=(noon,))
    hall = speaker_line_out.Config(
        kind="speaker_line_out", name=Text(zh="北门功放", en="Gate amplifier"), device="card"
    )
    gate = speaker_onvif.Config(
        kind="speaker_onvif", name=Text(zh="北门球机喇叭", en="Gate camera horn"), url="rtsp://10.0.0.9/1"
    )
    camera = known.cameras["gate_cam"]
    zone = camera.zones["walk"].model_copy(update={"name": "步道", "speakers": ("hall", "gate_horn")})
    changed = {
        "receivers": {**known.receivers, "bank_speaker": bank, "hall": hall, "gate_horn": gate},
        "cameras": {**known.cameras, "gate_cam": camera.model_copy(update={"zones": {"walk": zone}})},
    }
    return Site(known.model_copy(update=changed), store)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    _need(CHROMIUM, "install Debian's package chromium")
    _need(STATIC / "index.html", "run `npm ci && npm run build` in alerts/console")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, *MICROPHONE])
        yield browser
        browser.close()


@pytest.fixture
def console(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    console = Console(_site(tmp_path, store), browser)
    console.start()
    yield console
    for context in browser.contexts:
        context.close()
    console.stop()
    store.close()
    assert console.faults == []


def _heard(console: Console) -> None:
    with console.site.store.write() as session:
        speakers.heard(session, "bank_speaker", "ready", detail="", now=console.now)
        speakers.heard(session, "hall", "ready", detail="", now=console.now)
        why = "the device does not answer within 5 s"
        speakers.heard(session, "gate_horn", "silent", detail=why, now=console.now)


def _open(console: Console, page: Page) -> Page:
    console.login(page)
    page.locator("[data-page='speakers']").click()
    expect(page.locator("[data-speaker]")).to_have_count(3)
    return page


def _owed(console: Console) -> list[tuple[str, str, str, int]]:
    with console.site.store.read() as session:
        rows = session.scalars(
            select(OutboxRow).where(OutboxRow.call_id.is_not(None)).order_by(OutboxRow.seq)
        )
        said = [(row, row.payload["speech"]) for row in rows]
        return [(row.receiver, speech["text"], row.state, speech["volume_pct"]) for row, speech in said]


def test_speak_to_one_to_a_group_and_stop(console: Console) -> None:
    _heard(console)
    incident = console.site.open_incident(1, console.now - timedelta(seconds=20))
    console.site.say(incident, "水深危险，请马上离开水边。", at=console.now)
    with console.site.store.write() as session:
        row = session.scalars(select(OutboxRow)).one()
        row.lease_owner, row.lease_until = "me", console.now + timedelta(minutes=5)
    page = _open(console, console.page(timezone_id="Asia/Shanghai"))
    expect(page.locator("[data-speaker=bank_speaker] .condition")).to_have_text("在播")
    expect(page.locator("[data-speaker=gate_horn] .fault")).to_contain_text("does not answer")
    page.locator("[data-speaker=hall] .el-checkbox").click()
    page.get_by_role("textbox", name="现在要说的话").fill("请大家进屋避雨")
    page.get_by_role("button", name="播出", exact=True).click()
    expect(page.locator("[data-call]").first).to_contain_text("北门功放: 等待或正在播")
    assert [said[:3] for said in _owed(console)] == [("hall", "请大家进屋避雨", "pending")]
    _shoot(page, "speakers")
    page.get_by_role("combobox", name="对谁说").click(force=True)
    page.get_by_role("option", name="全部音柱（3 个）").click()
    page.locator(".panel").get_by_role("button", name="测试音").click()
    expect(page.get_by_text("3 个音柱会同时播放")).to_be_visible()
    _shoot(page, "speakers_confirm")
    page.get_by_role("button", name="取消").click()
    assert len(_owed(console)) == 1
    page.locator(".panel").get_by_role("button", name="测试音").click()
    page.get_by_role("button", name="播放").click()
    expect(page.locator("[data-call]")).to_have_count(2)
    assert [said[0] for said in _owed(console)[1:]] == ["bank_speaker", "gate_horn", "hall"]
    page.locator("[data-speaker=hall]").get_by_role("button", name="停止").click()
    expect(page.locator("[data-call]").last).to_contain_text("北门功放: 已停止")
    page.get_by_role("button", name="换成深色").click()
    _shoot(page, "speakers_dark")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    _fits(page)
    _shoot(page, "speakers_phone")
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.locator("[data-speaker=bank_speaker]").get_by_role("button", name="时段与音量").click()
    expect(page.get_by_role("dialog")).to_contain_text("北岸音柱：时段与音量")
    _shoot(page, "speakers_hours")
    sent: list[Any] = []

    def change(route: Route) -> None:  # the rules of this site are no plug-ins: it has no versions
        sent.append(route.request.post_data_json)
        route.fulfill(status=200, json={})

    page.route("**/api/speakers/bank_speaker/hours", change)
    page.get_by_role("spinbutton", name="最大音量").last.fill("30")
    page.get_by_role("textbox", name="为什么改").fill("午休的居民投诉")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert sent[0]["reason"] == "午休的居民投诉"
    bank = console.site.config.receivers["bank_speaker"]
    changed = SpeakerConfig.model_validate(sent[0]["stanza"])
    assert isinstance(bank, SpeakerConfig)
    assert changed.quieter == (bank.quieter[0].model_copy(update={"max_volume_pct": 30}),)
    assert changed.quiet == bank.quiet


def test_everything_stops_with_one_key_and_every_console_shows_it(console: Console) -> None:
    _heard(console)
    console.site.say(console.site.open_incident(1, console.now), "请马上离开水边。", at=console.now)
    page = console.login(console.page())
    other = console.login(console.page(PHONE), "walker")
    page.keyboard.press("F8")
    expect(page.locator("[data-standstill]")).to_contain_text("全部停播中")
    expect(page.get_by_text("1 条播报被打断或取消")).to_be_visible()
    page.get_by_text("应急广播要用").click()
    _shoot(page, "standstill_dialog")
    page.locator("[data-stop-all]").click()
    expect(page.locator("[data-standstill]")).to_contain_text("王芳：应急广播要用")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(other.locator("[data-standstill]")).to_contain_text("王芳：应急广播要用")
    expect(other.get_by_role("button", name="恢复播报")).to_have_count(0)
    _shoot(page, "standstill")
    _fits(other)
    _shoot(other, "standstill_phone")
    page.get_by_role("button", name="恢复播报").click()
    expect(page.locator("[data-standstill]")).to_have_count(0)
    expect(other.locator("[data-standstill]")).to_have_count(0)


@contextmanager
def _delivering(console: Console, folder: Path) -> Iterator[None]:
    """Let a real worker serve the sound card, which is a file."""
    site = console.site
    hall = site.config.receivers["hall"]
    assert isinstance(hall, speaker_line_out.Config)
    channel = speaker_line_out.build(hall, SystemClock(), Clips(Voice(), folder / "voice", site.voices))
    metrics = DeliveryMetrics(CollectorRegistry())
    worker = DeliveryWorker(
        site.store, {"hall": channel}, {"hall": "speaker"}, clock=SystemClock(), metrics=metrics
    )
    thread = threading.Thread(target=lambda: asyncio.run(worker.run()))
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_a_voice_is_heard_while_it_is_spoken(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("aplay") is None:
        pytest.skip("no aplay: install Debian's package alsa-utils")
    (tmp_path / "asound.conf").write_text(CARD.format(folder=tmp_path))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    _heard(console)
    card = tmp_path / "card"
    with _delivering(console, tmp_path):
        page = _open(console, console.page())
        page.locator("[data-speaker=hall] .el-checkbox").click()
        expect(page.get_by_text("1 个实时播出")).to_be_visible()
        page.locator("[data-talk]").focus()
        page.keyboard.down(" ")
        expect(page.locator("[data-talk]")).to_contain_text("正在说话")
        wait_for(lambda: card.exists() and np.frombuffer(card.read_bytes()[: 1 << 20], np.uint8).any())
        assert _calls(console)[0].seconds == 0, "it is heard before it has ended"
        _shoot(page, "speakers_talking")
        page.keyboard.up(" ")
        expect(page.locator("[data-call]").first).to_contain_text("人声喊话")
        wait_for(lambda: _owed(console)[0][2] == "delivered")
    (call,) = _calls(console)
    played = np.frombuffer(card.read_bytes(), np.int16)
    assert call.author == "duty"
    assert len(played) >= 16_000 * call.seconds > 0
    assert not list((tmp_path / "data").rglob("*.wav")), "the sound itself is not kept"


def _calls(console: Console) -> list[CallRow]:
    with console.site.store.read() as session:
        return list(session.scalars(select(CallRow)))
