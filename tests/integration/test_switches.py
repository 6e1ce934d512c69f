"""Cameras that a person switches off: read no more within a moment, whatever is killed and started again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

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
from lianfang.events import FRAMES, OBSERVATIONS, SETTINGS, CameraState, ConfigVersion
from lianfang.following import Following, key_of
from tests.e2e.installation import until
from tests.support.configs import SECRETS, SQUARE, changed, write
from tests.support.kafka import connected, shared_broker
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
        until("it says so", lambda: ("cam", "switched_off") in room.states())
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
        later = ConfigVersion(version=2, since=now + timedelta(seconds=0.5), changes={"cameras_off": ["a"]})
        running.bus.publish(SETTINGS, "settings", b"?", {})
        running.bus.publish(SETTINGS, "settings", *codec.encode_version(later))
        running.bus.wait(lambda: running.bus.states("a")[-1].reason == "switched_off")
        count = len(running.bus.frames("a"))
        more = len(running.bus.frames("b")) + 5
        running.bus.wait(lambda: len(running.bus.frames("b")) >= more)
        assert len(running.bus.frames("a")) == count
        assert running.bus.frames("a")[-1].captured_at < running.bus.states("a")[-1].captured_at
        assert running.bus.states("a")[-1].captured_at >= later.since
        on = ConfigVersion(version=3, since=SystemClock().now(), changes={})
        running.bus.publish(SETTINGS, "settings", *codec.encode_version(on))
        running.bus.wait(lambda: len(running.bus.frames("a")) > count)
    assert running.bus.conditions("a") == ["online", "offline", "online"]


def test_detectors_and_ingest_know_the_configuration_of_each_moment(config: Config, bus: Bus) -> None:
    now = SystemClock().now()

    def say(version: int, seconds: float, changes: dict[str, Any]) -> None:
        said = ConfigVersion(version=version, since=now + timedelta(seconds=seconds), changes=changes)
        bus.publish(SETTINGS, key_of(version), *codec.encode_version(said)).result(10)

    def zones(settings: Following, seconds: float) -> list[str]:
        return list(settings.config(now + timedelta(seconds=seconds)).cameras["cam"].zones)

    steps = {"cameras": {"cam": {"zones": {"steps": {"polygon": SQUARE, "kind": "water"}}}}}
    say(3, 0, {"cameras_off": ["cam"]})
    say(4, 5, steps)
    with followed(config, bus) as settings:
        assert settings.off(now - timedelta(seconds=1)) == {"cam"}, "what was before it nobody says any more"
        assert (zones(settings, 4), zones(settings, 5)) == (["water"], ["water", "steps"])
        say(5, 10, {"cameras": {"gone": {"zones": {"steps": None}}}, "cameras_off": ["cam2"]})
        say(4, 5, steps)  # by another alert service, which hears of it late
        until("the second one is known", lambda: settings.off(now + timedelta(seconds=11)))
        assert zones(settings, 9) == ["water", "steps"]
        assert zones(settings, 10) == ["water"], "where it does not fit, the file alone"
        assert settings.off(now + timedelta(seconds=9)) == frozenset()
        config_then = settings.config(now + timedelta(seconds=10))
        assert config_then is settings.config(now + timedelta(seconds=20))
        assert [camera.enabled for camera in config_then.cameras.values()] == [True, False]


@contextmanager
def followed(config: Config, bus: Bus) -> Iterator[Following]:
    settings, stop = Following(config, bus, "test"), threading.Event()
    thread = threading.Thread(target=settings.run, args=(stop,))
    thread.start()
    try:
        assert settings.known.wait(30)
        yield settings
    finally:
        stop.set()
        thread.join()


def test_what_was_said_is_heard_on_kafka_too(config: Config) -> None:
    bus = connected(shared_broker())

    def say(version: int, off: list[str]) -> None:
        said = ConfigVersion(version=version, since=SystemClock().now(), changes={"cameras_off": off})
        bus.publish(SETTINGS, key_of(version), *codec.encode_version(said)).result(30)

    try:
        say(1, ["cam"])
        say(2, ["cam2"])
        with followed(config, bus) as one, followed(config, bus) as two:
            for settings in (one, two):  # each process hears it, whatever the others have read
                assert settings.off(SystemClock().now()) == {"cam2"}
            say(3, [])
            until("both have heard it", lambda: not any(s.off(SystemClock().now()) for s in (one, two)))
    finally:
        bus.close()
