"""Render contact sheets with the zone and the labelled persons, so that a person can check the labels.

python -m tests.truth.sheet path/to/vtest.avi output/folder [--fps 2] [--from-s 0] [--to-s 60]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.truth.labels import Span, Truth, Zone, load

Picture = NDArray[np.uint8]

_COLUMNS, _ROWS = 4, 3
_SCALE = 1.4
_EMPTY, _OCCUPIED = (0, 0, 255), (0, 220, 0)  # BGR


def pictures(video: Path, fps: float, span: Span) -> Iterator[tuple[float, Picture]]:
    """Yield ``fps`` pictures a second of ``span``: (seconds since the first frame, BGR (H, W, 3) uint8)."""
    due_s = span.from_s
    with av.open(str(video)) as container:
        for frame in container.decode(container.streams.video[0]):
            at_s = float(frame.time or 0.0)
            if at_s >= span.to_s:
                return
            if at_s >= due_s - 1e-6:
                due_s += 1.0 / fps
                yield at_s, np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)


def surroundings(zone: Zone, width: int, height: int) -> tuple[int, int, int, int]:
    """Pixels (x_min, y_min, x_max, y_max) around the zone in which a person inside it is whole."""
    xs, ys = zip(*zone.polygon, strict=True)
    return (
        max(0, round((min(xs) - 0.05) * width)),
        max(0, round((min(ys) - 0.19) * height)),
        min(width, round((max(xs) + 0.08) * width)),
        min(height, round((max(ys) + 0.03) * height)),
    )


def tile(picture: Picture, at_s: float, truth: Truth) -> Picture:
    """Cut the zone's surroundings out, enlarge them and write time, count and person numbers on them."""
    height, width = picture.shape[:2]
    x_min, y_min, x_max, y_max = surroundings(truth.zone, width, height)
    cut = cv2.resize(
        picture[y_min:y_max, x_min:x_max], None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC
    )
    corners = [((x * width - x_min) * _SCALE, (y * height - y_min) * _SCALE) for x, y in truth.zone.polygon]
    inside = truth.inside(at_s)
    colour = _OCCUPIED if inside else _EMPTY
    sixteenths = np.round(np.array(corners) * 16).astype(np.int32)
    cv2.polylines(cut, [sixteenths], isClosed=True, color=colour, thickness=1, lineType=cv2.LINE_AA, shift=4)
    who = f" persons {','.join(map(str, inside))}" if inside else ""
    unsure = " ~" if truth.near_change(at_s) else ""
    text = f"{at_s:.1f}s n={len(inside)}{who}{unsure}"
    cv2.rectangle(cut, (0, 0), (cut.shape[1], 26), (0, 0, 0), thickness=-1)
    cv2.putText(cut, text, (6, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(cut, dtype=np.uint8)


def sheet(tiles: list[Picture]) -> Picture:
    """Lay up to 12 tiles of one size out in 4 columns, the rest black."""
    blank = np.zeros_like(tiles[0])
    filled = tiles + [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(filled[at : at + _COLUMNS]) for at in range(0, len(filled), _COLUMNS)]
    return np.asarray(np.vstack(rows), dtype=np.uint8)


def render(video: Path, folder: Path, truth: Truth, fps: float, span: Span) -> list[Path]:
    """Write the sheets as PNG files into ``folder`` and return their paths in order of time."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [(at_s, tile(picture, at_s, truth)) for at_s, picture in pictures(video, fps, span)]
    written: list[Path] = []
    for start in range(0, len(shown), _COLUMNS * _ROWS):
        group = shown[start : start + _COLUMNS * _ROWS]
        path = folder / f"sheet_{group[0][0]:05.1f}s.png"
        if not cv2.imwrite(str(path), sheet([part for _, part in group])):
            msg = f"cannot write {path}"
            raise OSError(msg)
        written.append(path)
    return written


def main() -> None:
    """Read the arguments, render, say what was written."""
    truth = load()
    parser = argparse.ArgumentParser(prog="python -m tests.truth.sheet", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fps", type=float, default=2.0)
    parser.add_argument("--from-s", type=float, default=truth.clip.from_s)
    parser.add_argument("--to-s", type=float, default=truth.clip.to_s)
    given = parser.parse_args()
    for path in render(given.video, given.folder, truth, given.fps, Span(given.from_s, given.to_s)):
        print(path)


if __name__ == "__main__":
    main()
