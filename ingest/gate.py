"""Whether anything moves: pictures in which nothing does are published once a second only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import av
import numpy as np
import numpy.typing as npt
import shapely
from av.video.reformatter import VideoReformatter

from ingest.view import Cut, Plane, samples
from lianfang.config import Camera
from lianfang.config import Gate as Settings

CELLS = 96
"""Cells along a picture's width: a person 3 % of it wide covers some of them."""
_SAMPLES = 4
"""Samples of a cell along each side."""
EVERY = timedelta(seconds=0.95)
"""A still scene is published so often: rules count a second and more without a look as blindness, and half a
step of the target rate may be lacking to the full second."""
_NOISE, _MOST_NOISE = 10.0, 30.0
"""A change of so many times the median one is none of the camera's noise, and one of so many grey levels is
none of anything's."""
Cells = npt.NDArray[np.float32]


class MotionGate:
    """Compares pictures with the one that was published last, cell by cell. One thread owns it.

    That one is a second old at most, so that what is slow adds up. What is cut off or masked moves nothing:
    even when pictures come says nothing of what is behind a mask.
    """

    def __init__(
        self, settings: Settings, cut: Cut | None, masks: Sequence[Sequence[tuple[float, float]]]
    ) -> None:
        self._min_change, self._hold = settings.min_change, timedelta(seconds=settings.hold_s)
        self._cut = cut
        self._masks = [shapely.Polygon(mask) for mask in masks]
        self._reformatter = VideoReformatter()
        self._seen: npt.NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._published: Cells | None = None
        self._published_at: datetime | None = None
        self._open_until: datetime | None = None

    @classmethod
    def of(cls, camera: Camera) -> MotionGate | None:
        """Return the gate of ``camera``, None where it has none."""
        if camera.gate is None:
            return None
        return cls(camera.gate, Cut(camera.crop) if camera.crop else None, camera.masks)

    def passes(self, frame: av.VideoFrame, at: datetime) -> bool:
        """Say whether the picture is published: it moved, something moved just now, or a second is over."""
        cells = self._cells(frame if self._cut is None else self._cut.of(frame))
        if self._moved(cells):
            self._open_until = at + self._hold
        is_open = self._open_until is not None and at <= self._open_until
        is_due = self._published_at is None or at - self._published_at >= EVERY
        if not (is_open or is_due):
            return False
        self._published, self._published_at = cells, at
        return True

    def _cells(self, frame: av.VideoFrame) -> Cells:
        """Return the mean brightness of each cell, (rows, columns), 0-255; FFmpegError as PyAV raises it."""
        luma = self._luma(frame)
        step = max(1, luma.shape[1] // (CELLS * _SAMPLES))
        few = luma[::step, ::step]
        rows, columns = max(1, few.shape[0] // _SAMPLES), max(1, few.shape[1] // _SAMPLES)
        few = few[: rows * _SAMPLES, : columns * _SAMPLES]
        cells = few.reshape(rows, few.shape[0] // rows, columns, few.shape[1] // columns)
        means: Cells = cells.mean(axis=(1, 3), dtype=np.float32)
        return means

    def _luma(self, frame: av.VideoFrame) -> Plane:
        if frame.format.is_planar and frame.format.components[0].bits == 8 and not frame.format.is_rgb:
            return samples(frame.planes[0])
        return samples(self._reformatter.reformat(frame, format="gray").planes[0])

    def _moved(self, cells: Cells) -> bool:
        if self._published is None or self._published.shape != cells.shape:
            self._seen = self._unmasked(*cells.shape)
            return True
        change = np.abs(cells - self._published)[self._seen]
        if not change.size:
            return False
        noise = min(_MOST_NOISE, _NOISE * float(np.median(change)))
        return float(change.max()) > max(self._min_change, noise)

    def _unmasked(self, rows: int, columns: int) -> npt.NDArray[np.bool_]:
        """Return the cells, (rows, columns), that no mask touches, not even their neighbours."""
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        boxes = shapely.box((xs - 1) / columns, (ys - 1) / rows, (xs + 2) / columns, (ys + 2) / rows)
        free = np.ones((rows, columns), np.bool_)
        for mask in self._masks:
            free &= ~shapely.intersects(mask, boxes)
        return free
