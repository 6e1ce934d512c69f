"""A still scene is published once a second, what moves at once, and what is masked moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.gate import MotionGate
from ingest.rate import Rate
from ingest.selection import Selection
from tests.support.reading import configured

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
WIDTH, HEIGHT, FPS = 384, 216, 5
Picture = NDArray[np.uint8]
Scene = Callable[[float], Picture]


def still(noise: float = 0.0, light: Callable[[float], float] = lambda _: 0.0) -> Scene:
    """Return a street seen through a sensor with ``noise`` grey levels, ``light`` brighter at some times."""
    rng = np.random.default_rng(5)
    street = rng.integers(60, 190, (HEIGHT // 12, WIDTH // 12, 3)).repeat(12, 0).repeat(12, 1)

    grains = [street + rng.normal(0, noise, street.shape).astype(np.float32) for _ in range(7)]

    def at(t: float) -> Picture:
        seen: Picture = np.clip(grains[round(t * FPS) % 7] + light(t), 0, 255).astype(np.uint8)
        return seen

    return at


def walked(scene: Scene, begin_s: float, end_s: float, x: float = 0.1) -> Scene:
    """Return ``scene`` with a small person, 5 by 13 pixels of 384, that walks across it for a while."""

    def at(t: float) -> Picture:
        picture = scene(t)
        if begin_s <= t < end_s:
            left = int((x + 0.02 * (t - begin_s)) * WIDTH)
            picture[108:121, left : left + 5] = (20, 20, 30)
        return picture

    return at


def published(scene: Scene, seconds: float, pixel_format: str = "yuv420p", **camera: Any) -> list[float]:  # noqa: ANN401
    """Return the times, in seconds, of the pictures of ``scene`` that pass a camera's selection at 5 fps."""
    stanza = {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}, "fps": FPS, "gate": {}, **camera}
    config = configured({"gate": stanza})
    gate = MotionGate.of(config.cameras["gate"])
    selection = Selection(Rate(config.cameras["gate"], config.almanac("gate")), gate, NOON)
    times = [n / FPS for n in range(round(seconds * FPS))]
    kept = []
    for t in times:
        frame = av.VideoFrame.from_ndarray(scene(t), format="rgb24").reformat(format=pixel_format)
        refused = selection.refuses(frame, NOON + timedelta(seconds=t))
        assert refused in (None, "still")
        if refused is None:
            kept.append(t)
    return kept


STILL_10_S = [n / FPS for n in range(5 * FPS + 1)] + [
    6.0,
    7.0,
    8.0,
    9.0,
]  # at first all is news


@pytest.mark.parametrize("noise", [0, 4, 12], ids=["clean", "day", "night"])
def test_a_still_scene_is_published_once_a_second(noise: float) -> None:
    assert published(still(noise), 10) == STILL_10_S


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "nv12", "yuv420p10le", "rgb24"])
def test_every_kind_of_picture_is_looked_at(pixel_format: str) -> None:
    kept = published(walked(still(), 3.4, 3.6), 5, pixel_format, gate={"hold_s": 1})
    assert kept == [*(n / FPS for n in range(6)), 2.0, 3.0, *(n / FPS for n in range(17, 24))]


@pytest.mark.parametrize("noise", [0, 4], ids=["clean", "day"])
def test_what_moves_is_published_at_once_and_for_a_while_after(noise: float) -> None:
    kept = published(walked(still(noise), 8.4, 10.4), 20)
    assert [t for t in kept if 7.5 <= t < 8.4] == [8.0]
    held = [n / FPS for n in range(42, 76)]  # 8.4 to 15.2: the picture it has gone from at 10.4 moved as well
    assert [t for t in kept if 8.4 <= t < 15] == [t for t in held if t < 15]
    assert len([t for t in kept if 16 <= t < 20]) == 4


def test_twilight_is_no_motion_and_a_lamp_is() -> None:
    assert published(still(4, lambda t: t * 0.5), 10) == STILL_10_S
    lamp = published(still(4, lambda t: 40.0 if t >= 8.4 else 0.0), 12)
    assert [t for t in lamp if 8.0 < t < 9.1] == [8.4, 8.6, 8.8, 9.0]


def test_when_pictures_come_says_nothing_of_what_moves_behind_a_mask() -> None:
    mask: dict[str, Any] = {"masks": [[(0, 0.4), (1, 0.4), (1, 0.65), (0, 0.65)]]}
    assert published(walked(still(), 6.4, 9), 10, **mask) == STILL_10_S
    assert published(walked(still(), 6.4, 9), 10) != STILL_10_S


def test_what_is_cut_off_moves_nothing() -> None:
    assert published(walked(still(), 6.4, 9), 10, crop={"x_min": 0.5}) == STILL_10_S
    moved = published(walked(still(), 6.4, 9, x=0.6), 10, crop={"x_min": 0.5})
    assert 6.4 in moved


def test_the_rate_follows_the_hour_and_the_day() -> None:
    night = {"active": {"windows": [{"begin": "19:58", "end": "20:00", "days": ["mon"]}]}, "fps": 1}
    evening = {"active": {"windows": [{"begin": "19:59", "end": "20:01"}]}, "fps": 4}
    stanza = {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}, "fps": 2, "fps_hours": [night, evening]}
    config = configured({"gate": stanza})
    rate = Rate(config.cameras["gate"], config.almanac("gate"))
    at = datetime(2026, 3, 2, 11, 57, 30, tzinfo=UTC)  # 19:57:30 in Shanghai
    assert [rate.fps(at + timedelta(minutes=n)) for n in range(5)] == [2, 1, 1, 4, 2]
    assert rate.fps(at + timedelta(days=1, minutes=2)) == 4
    assert config.cameras["gate"].least_fps == 1


def test_a_change_of_rate_neither_doubles_nor_drops_a_picture() -> None:
    hours = {"active": {"windows": [{"begin": "20:00", "end": "20:01"}]}, "fps": 1}
    config = configured(
        {"gate": {"source": {"kind": "rtsp", "url": "rtsp://127.0.0.1"}, "fps": 5, "fps_hours": [hours]}}
    )
    begin = NOON - timedelta(seconds=10)
    selection = Selection(Rate(config.cameras["gate"], config.almanac("gate")), None, begin)
    frame = av.VideoFrame(16, 16, "yuv420p")
    times = [n / 25 for n in range(80 * 25)]
    kept = [t for t in times if selection.refuses(frame, begin + timedelta(seconds=t)) is None]
    counts = [len([t for t in kept if a <= t < a + 10]) for a in range(0, 80, 10)]
    assert counts == [50, 10, 10, 10, 10, 10, 10, 50]
