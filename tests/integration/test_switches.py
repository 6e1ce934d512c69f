"""Cameras that a person switches off: read no more within a moment, whatever is killed and started again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.editing import Editor, switched
from alerts.pipeline.switchboard import Switchboard
from alerts.settings import Settings
from alerts.store import Store
from lianfang import codec
from lianfang.bus import Bus
from lianfang.bus.connect import own
from lianfang.clock import SystemClock
from lianfang.config import Config, load
from lianfang.events import FRAMES, OBSERVATIONS, SETTINGS, CamerasOff, CameraState
from tests.e2e.installation import until
from tests.support.configs import SECRETS, changed, write
from tests.support.reading import reading
from tests.support.video import write_clip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    clip = write_clip(tmp_path / "clip.mp4", count=50, fps=10)
    source = {"kind": "file", "path": str(clip), "loop": True}
    return write(tmp_path, changed(("cameras.cam.source", source), ("cameras.cam2.source", source)))


@pytest.fixture
def config(file: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return load(file)


@pytest.fixture
def bus(config: Config) -> Iterator[Bus]:
    with own(config, SystemClock()) as bus:
        yield bus


class Room:
    """What a person in the room sees and does."""

    def __init__(self, config: Config, bus: Bus, store: Store) -> None:
        self._bus = bus
        settings = Settings(config, store, SystemClock())
        self._editor = Editor(store, settings, SystemClock())
        self._board = Switchboard(settings, bus, SystemClock())
        self._board.tell()

    def switch(self, camera: str, *, on: bool) -> None:
        self._editor.change(switched(camera, on=on), "duty", "检修")
        self._board.tell()

    def frames(self) -> Callable[[], set[str]]:
        """Return who has sent pictures from now on, whenever it is asked."""
        consumer, seen = self._bus.subscribe([FRAMES], "room", "latest"), set[str]()

        def look() -> set[str]:
            seen.update(record.key for record in consumer.poll(0.1))
            return seen

        return look

    def states(self) -> list[tuple[str, str]]:
        consumer = self._bus.subscribe([OBSERVATIONS], "room", "durable")
        records = consumer.poll(0.5)
        consumer.close()
        events = (codec.decode_event(r.value, r.headers) for r in records)
        return [(e.camera_id, e.reason or e.condition) for e in events if isinstance(e, CameraState)]


@pytest.fixture
def room(config: Config, bus: Bus, store: Store) -> Room:
    return Room(config, bus, store)


def test_a_camera_that_is_off_stays_off_over_a_kill(
    file: Path, config: Config, bus: Bus, store: Store
) -> None:
    room = Room(config, bus, store)
    command = [sys.executable, "-m", "lianfang", "ingest", "--config", str(file)]
    ingest = subprocess.Popen(command)
    try:
        seen = room.frames()
        until("both are seen", lambda: seen() == {"cam", "cam2"})
        room.switch("cam", on=False)
        until("it says so", lambda: ("cam", "switched off") in room.states())
        seen = room.frames()
        until("the other one goes on", lambda: "cam2" in seen())
        ingest.kill()
        ingest.wait()
        ingest = subprocess.Popen(command)
        seen = room.frames()
        until("the other one is seen again", lambda: "cam2" in seen())
        for _ in range(20):
            assert seen() == {"cam2"}
        room.switch("cam", on=True)
        until("it is seen again", lambda: "cam" in seen())
    finally:
        ingest.kill()
        ingest.wait()
    assert room.states()[-1] == ("cam", "online")


def test_what_is_said_at_the_end_of_the_topic_counts_from_its_time_on(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", count=50, fps=10)
    source = {"fps": 5, "source": {"kind": "file", "path": clip, "loop": True}}
    with reading({"a": source, "b": source}) as running:
        running.bus.wait(lambda: running.bus.frames("a") and running.bus.frames("b"))
        now = SystemClock().now()
        later = CamerasOff(version=2, since=now + timedelta(seconds=0.5), cameras=("a",))
        running.bus.publish(SETTINGS, "cameras", b"?", {})
        running.bus.publish(SETTINGS, "cameras", *codec.encode_cameras_off(later))
        running.bus.wait(lambda: running.bus.states("a")[-1].reason == "switched off")
        count = len(running.bus.frames("a"))
        more = len(running.bus.frames("b")) + 5
        running.bus.wait(lambda: len(running.bus.frames("b")) >= more)
        assert len(running.bus.frames("a")) == count
        assert running.bus.frames("a")[-1].captured_at < running.bus.states("a")[-1].captured_at
        assert running.bus.states("a")[-1].captured_at >= later.since
        on = CamerasOff(version=3, since=now, cameras=())
        running.bus.publish(SETTINGS, "cameras", *codec.encode_cameras_off(on))
        running.bus.wait(lambda: len(running.bus.frames("a")) > count)
    assert running.bus.conditions("a") == ["online", "offline", "online"]
