"""A site that nothing is known of: default stages, the picture or a grid of it as zones, plain rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from deploy.evaluation.rules import RULES, STAGES
from detectors.evaluation.media import FPS
from ingest.encode import fitted
from lianfang.config import Config
from lianfang.events import Frame

CAMERA = "clip"
START = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first picture of every clip is said to be taken."""
JOIN_S = 5.0
"""Incidents of a clip end so soon after their place was left: by default, 120 s, most clips would be one."""


def unknown_site(names: Iterable[str], models_dir: Path | None, grid: tuple[int, int] = (1, 1)) -> Config:
    """Return a configuration of one camera with the rules of RULES that are in ``names``.

    The zones are the (columns, rows) of ``grid``, each a place of its own; the whole ground is water.
    """
    rules = {name: RULES[name] for name in names}
    zones = {
        f"zone_{i}": {"polygon": cell, "place": f"zone_{i}", "kind": "water"}
        for i, cell in enumerate(_cells(*grid))
    }
    stages = [name for name in STAGES if any(name in tested.stages for tested in rules.values())]
    usual = {"name": "rule", "cameras": [CAMERA], "join_s": JOIN_S}
    in_zones = usual | {"zones": list(zones), "match": "any"}
    return Config.model_validate(
        {
            "models_dir": models_dir,
            "community": {"name": "unknown"},
            "points": {"point": {"name": "unknown"}},
            "detectors": {name: STAGES[name] for name in stages},
            "cameras": {
                CAMERA: {
                    "name": "clip",
                    "point": "point",
                    "source": {"kind": "file", "path": "clip"},
                    "fps": FPS,
                    "detectors": stages,
                    "zones": zones,
                }
            },
            "rules": {
                name: (in_zones if rule.stages else usual) | dict(rule.stanza) for name, rule in rules.items()
            },
        }
    )


def frame(config: Config, picture: NDArray[np.uint8], at_s: float, seq: int) -> Frame:
    """Return ``picture`` (H, W, 3) BGR, taken at ``at_s``, as the camera of ``config`` puts it on the bus."""
    camera = config.cameras[CAMERA]
    width, height = fitted(picture.shape[1], picture.shape[0], camera.max_width)
    if (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    pixels = simplejpeg.encode_jpeg(
        np.ascontiguousarray(picture), quality=camera.jpeg_quality, colorspace="BGR"
    )
    at = START + timedelta(seconds=at_s)
    return Frame(CAMERA, "clip", seq, at, at, width, height, "jpeg", pixels)


def seconds(at: datetime) -> float:
    """Return the seconds into a clip."""
    return (at - START).total_seconds()


def _cells(columns: int, rows: int) -> Iterator[list[tuple[float, float]]]:
    for y in range(rows):
        for x in range(columns):
            left, right, top, bottom = x / columns, (x + 1) / columns, y / rows, (y + 1) / rows
            yield [(left, top), (right, top), (right, bottom), (left, bottom)]
