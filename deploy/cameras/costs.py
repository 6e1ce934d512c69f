"""What each camera of a configuration costs, by short measurements on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.cameras import clip
from deploy.cameras.measure import Reading, look_s, most_fps, read
from deploy.replay import stages_of
from detectors.camera import WatchedCamera
from ingest.sources import file
from ingest.sources.base import SourceLost
from lianfang.clock import Clock
from lianfang.config import Camera, Config
from lianfang.config.way import Way, vital, way_of

AT_ONCE = 8
"""Cameras that are read at the same time."""
BUS_S_PER_MB = 8.3e-3
"""Processor seconds for a megabyte of published pictures on its way through the bus."""
MAIN = (1920, 1080)
"""The size of a main stream that could not be looked at."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one camera costs at its highest rate, in cores."""

    camera_id: str
    way: Way
    vital: bool
    reading: Reading
    look_s: float
    away: str = ""
    """Why it was not measured itself, but a generated film in its place; empty where it was."""

    @property
    def encode(self) -> float:
        """Scaling and encoding what is published."""
        return self.reading.published_fps * self.reading.encode_s

    @property
    def detect(self) -> float:
        """Decoding the published pictures, and the detectors."""
        return self.reading.published_fps * self.look_s

    @property
    def bus(self) -> float:
        """The way of the published pictures."""
        return self.reading.published_fps * self.reading.jpeg_bytes / 1e6 * BUS_S_PER_MB

    @property
    def cores(self) -> float:
        """All of it."""
        return self.reading.decode + self.encode + self.detect + self.bus


def costs(config: Config, camera_ids: Collection[str], clock: Clock, seconds: float) -> list[Cost]:
    """Return what cameras cost, each measured for so long; ModelError where a model is missing.

    They are read some at a time, then the detectors are measured one after the other, as nothing else runs.
    """
    ways = {camera_id: way_of(config, camera_id) for camera_id in camera_ids}
    with tempfile.TemporaryDirectory(prefix="lianfang-plan-") as folder:
        readings, away = _readings(config, ways, clock, seconds, Path(folder))
    looks = _looks(config, readings, clock)
    lives = vital(config)
    return [
        Cost(name, way, name in lives, readings[name], looks[name], away.get(name, ""))
        for name, way in ways.items()
    ]


def _readings(
    config: Config, ways: Mapping[str, Way], clock: Clock, seconds: float, folder: Path
) -> tuple[dict[str, Reading], dict[str, str]]:
    """Return what was measured, and of those that did not answer, why."""
    readings: dict[str, Reading] = {}
    away: dict[str, str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {
            name: pool.submit(read, config.cameras[name], way.stream, clock, seconds)
            for name, way in ways.items()
        }
        for name, future in asked.items():
            try:
                readings[name] = future.result()
            except SourceLost as error:
                away[name] = str(error)
    stand_ins: dict[tuple[object, ...], Reading] = {}
    for name in away:
        camera, width, height = config.cameras[name], *_size(config.cameras[name], ways[name])
        view = (camera.max_width, camera.crop, bool(camera.masks), camera.jpeg_quality)
        alike = (width, height, most_fps(camera), view, camera.keyframes == "always")
        if alike not in stand_ins:
            film = folder / f"{width}x{height}.mp4"
            if not film.exists():
                clip.write(film, width, height)
            source = file.Config(kind="file", path=film, pace="asap")
            stand_ins[alike] = read(
                camera.model_copy(update={"source": source}), "main", clock, clip.SECONDS - 1
            )
        readings[name] = stand_ins[alike]
        away[name] += (
            f"; a generated film of {width}x{height}, {clip.FPS} pictures/s, "
            f"{clip.bits_a_second(width, height) / 1e6:.1f} Mbit/s was measured in its place"
        )
    return readings, away


def _size(camera: Camera, way: Way) -> tuple[int, int]:
    if way.stream == "main":
        return MAIN
    return camera.sub_width // 2 * 2, round(camera.sub_width * 9 / 32) * 2


def _looks(config: Config, readings: Mapping[str, Reading], clock: Clock) -> dict[str, float]:
    """Return the seconds that detectors need for a picture of each camera; alike ones are measured once."""
    stages = stages_of(config, (name for camera in readings for name in config.cameras[camera].detectors))
    known: dict[tuple[Sequence[str], int, int], float] = {}
    found = {}
    for camera_id, reading in readings.items():
        camera, first = config.cameras[camera_id], reading.jpegs[0]
        alike = (camera.detectors, first.width, first.height)
        if alike not in known:
            watched = WatchedCamera(camera_id, camera, stages, clock)
            known[alike] = look_s(watched, camera_id, reading.jpegs)
        found[camera_id] = known[alike]
    return found
