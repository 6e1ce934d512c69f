"""A stand-in for a model: it takes the box of ``tests.support.video`` for a person."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from lianfang.events import DetectedObject


class Boxes:
    """A stage, and its camera, that takes the red box for one person."""

    models = ("boxes",)

    def open(self, camera_id: str, track_epoch: str) -> Boxes:
        del camera_id
        self._track = f"{track_epoch}:1"
        return self

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        del at
        height, width = image_bgr.shape[:2]
        rows, columns = np.nonzero(image_bgr[..., 2].astype(int) - image_bgr[..., 0] > 90)
        box = (columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height)
        return (*objects, DetectedObject(track_id=self._track, label="person", confidence=0.9, xyxyn=box))
