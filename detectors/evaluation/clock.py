"""Times burnt into real pictures: how many are read, and whether any is read wrong.

Every part of ``helmet_cctv/`` holds pictures of one camera, named in the order in which they were taken, with
day, month, year and time of day in them. Where it stands is found in one picture; then each is read by
itself. A time that is earlier than the one before it is wrong.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from detectors.clock.line import LineReader
from detectors.clock.sight import Search, Sight
from detectors.evaluation.base import Figure, Report, proportion

_WIDTH = 1280  # as ingest publishes pictures
_ZONE = ZoneInfo("Asia/Bangkok")
_AT = datetime(2025, 6, 1, tzinfo=_ZONE)


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return ``clock.read`` and ``clock.back``; None where ``data`` has no such pictures."""
    parts = [sorted(folder.glob("*.jpg")) for folder in sorted((data / "helmet_cctv").glob("*/images"))]
    parts = [part for part in parts if part]
    if not parts:
        return None
    sight = Sight(LineReader(models_dir), _ZONE, "dmy")
    read = [_read(sight, part) for part in parts]
    back = sum(later < earlier for part in read for earlier, later in pairwise(part))
    count = sum(map(len, parts))
    figures = {
        "clock.read": proportion(sum(map(len, read)), count),
        "clock.back": Figure(float(back), count),
    }
    return Report(figures)


def _read(sight: Sight, files: list[Path]) -> list[float]:
    """Return the times that are read, in seconds, after the place was found in the picture in the middle."""
    shown = _picture(files[len(files) // 2])
    search = Search(sight, shown.shape[1] / shown.shape[0])
    while search.goes_on(shown, _AT):
        pass
    place = search.place()
    seen = (sight.see(_picture(file), place, _AT) for file in files) if place is not None else ()
    return [one.offset_s for one in seen if one is not None]


def _picture(file: Path) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = simplejpeg.decode_jpeg(file.read_bytes(), colorspace="BGR")
    scale = _WIDTH / image.shape[1]
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
