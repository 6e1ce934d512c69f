"""How well drawn times are read, by font, size and look: ``python -m tests.support.drawn_times [of each]``.

They stand where cameras write, over streaks and blocks as busy as a street. The type faces are OpenCV's own
and Debian's, not those of cameras: figures say which looks are understood.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.clock.line import LineReader
from detectors.clock.parse import parse
from detectors.clock.sight import LEAST_CONFIDENCE
from tests.support.plates import Degradation, degrade

Image = NDArray[np.uint8]
SCENE_PX = (720, 1280)  # height, width
FONTS = ("sans", "serif", "uni", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
FORMATS = {
    "2026-12-01 18:00:05": "%Y-%m-%d %H:%M:%S",
    "2026/12/01 18:00:05": "%Y/%m/%d %H:%M:%S",
    "2026年12月01日 星期二 18:00:05": "%Y年%m月%d日 星期{day} %H:%M:%S",
    "12-01-2026 星期二 18:00:05": "%m-%d-%Y 星期{day} %H:%M:%S",
    "01/12/2026 06:00:05 PM": "%d/%m/%Y %I:%M:%S %p",
}
LOOKS = {
    "clear": Degradation(jpeg=90),
    "compressed": Degradation(jpeg=50),
    "soft": Degradation(blur_px=1.0, jpeg=80),
    "soft, dark, noisy": Degradation(blur_px=0.8, gain=0.5, noise=6, jpeg=70),
}
WRITTEN = {"white, black edge": (255, 0), "white": (255, None), "black": (0, None)}
SIZES_PX = (14, 18, 24, 32)


@dataclass
class Score:
    """How many times there were, were read, and were read wrong."""

    count: int = 0
    read: int = 0
    wrong: int = 0


def written(at: datetime, name: str) -> str:
    """Return ``at`` in the format ``name``."""
    return at.strftime(FORMATS[name]).format(day="一二三四五六日"[at.weekday()])


def street(rng: np.random.Generator) -> Image:
    """Return a picture of blocks and streaks of every brightness."""
    small = rng.integers(20, 236, (12, 22, 3)).astype(np.uint8)
    scene = cv2.resize(small, SCENE_PX[::-1], interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        (x, y), (to_x, to_y) = rng.integers(0, (SCENE_PX[1], SCENE_PX[0]), (2, 2)).tolist()
        cv2.line(scene, (x, y), (to_x, to_y), rng.integers(0, 256, 3).tolist(), int(rng.integers(1, 6)))
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), 1.2), np.uint8)


def burnt_in(
    scene: Image,
    text: str,
    top_left: tuple[int, int],
    font: str = "uni",
    size_px: int = 24,
    how: str = "white, black edge",
) -> tuple[float, float, float, float]:
    """Write ``text`` into ``scene``; return where it stands, 0-1."""
    ink, edge = WRITTEN[how]
    face, at = cv2.FontFace(font), (top_left[0], top_left[1] + size_px)
    if edge is not None:
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            cv2.putText(scene, text, (at[0] + dx, at[1] + dy), (edge,) * 3, face, size_px, 400)
    end, _ = cv2.putText(scene, text, at, (ink,) * 3, face, size_px, 400)
    height, width = scene.shape[:2]
    above, below = 0.15 * size_px, 0.35 * size_px
    return (
        max(0.0, (top_left[0] - below) / width),
        max(0.0, (top_left[1] - above) / height),
        min(1.0, (end[0] + below) / width),
        min(1.0, (at[1] + below) / height),
    )


def cut(scene: Image, region: tuple[float, float, float, float]) -> Image:
    """Return the part of ``scene`` in ``region``, 0-1."""
    height, width = scene.shape[:2]
    x_min, y_min, x_max, y_max = region
    return scene[int(y_min * height) : round(y_max * height), int(x_min * width) : round(x_max * width)]


Look = tuple[str, int, str, str, str]
"""(font, size in pixels, format, look, how it is written)."""


def measure(reader: LineReader, each: int, looks: Iterable[Look], seed: int = 4) -> dict[str, Score]:
    """Return the score of everything that was varied over ``each`` times of all ``looks``."""
    rng, scores = np.random.default_rng(seed), dict[str, Score]()
    for font, size_px, name, look, how in looks:
        for _ in range(each):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(0, 5 * 365 * 86400)))
            scene = street(rng)
            region = burnt_in(scene, written(at, name), (20, 24), font, size_px, how)
            line = reader.read(degrade(cut(scene, region), LOOKS[look], rng))
            read = parse(line.text, at) if line.confidence >= LEAST_CONFIDENCE else None
            for key in ("all", Path(font).stem, f"{size_px} px", name, look, how):
                score = scores.setdefault(key, Score())
                score.count += 1
                score.read += read is not None
                score.wrong += read is not None and read != at
    return scores


def every_look() -> Iterator[Look]:
    """Yield every combination that can be drawn here."""
    fonts = [font for font in FONTS if "/" not in font or Path(font).exists()]
    for font in fonts:
        for size_px in SIZES_PX:
            for name in FORMATS:
                if "星" in name and font != "uni":
                    continue  # the others have no Chinese characters
                for look in LOOKS:
                    for how in WRITTEN:
                        yield font, size_px, name, look, how


def main(each: int) -> None:
    """Print a line of the page's table for everything that was varied."""
    for key, score in measure(LineReader(), each, every_look()).items():
        sys.stdout.write(f"| {key} | {score.count} | {score.read / score.count:.2f} | {score.wrong} |\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
