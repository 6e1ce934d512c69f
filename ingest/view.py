"""Which part of a picture is published, and what of it nobody may see."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import shapely
from av.filter import Graph
from av.video.plane import VideoPlane

from lianfang.config import Crop

Plane = npt.NDArray[np.uint8]
"""(height, width) samples."""
_BLACK, _GREY = 0, 128  # luma and colour of black in a JPEG
_MARGIN_PX = 6.0
"""So far about a mask it is black too: scaling lets a sample show something of the two or three beside it,
and one of a colour plane is two pixels."""


class Cut:
    """Cuts a part out of pictures without copying it. One thread owns it."""

    def __init__(self, crop: Crop) -> None:
        self._crop = crop
        self._graph, self._shape = Graph(), (0, 0, "")

    def of(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the part, on whole samples of the colour planes. FFmpegError where that is none."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            self._graph, self._shape = self._built(frame), shape
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _built(self, frame: av.VideoFrame) -> Graph:
        crop, graph = self._crop, Graph()
        left, top = round(crop.x_min * frame.width), round(crop.y_min * frame.height)
        width = max(1, round(crop.x_max * frame.width) - left)
        height = max(1, round(crop.y_max * frame.height) - top)
        time_base = frame.time_base or Fraction(1, 1000)
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=time_base
        )
        graph.link_nodes(source, graph.add("crop", f"{width}:{height}:{left}:{top}"), graph.add("buffersink"))
        graph.configure()
        return graph


class Masks:
    """Blackens parts of pictures: ``shapes`` are polygons, 0-1 of the picture. One thread owns it."""

    def __init__(self, shapes: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._shapes = [np.array(shape) for shape in shapes]
        self._drawn: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None

    def over(self, luma: Plane, blue: Plane, red: Plane) -> tuple[Plane, Plane, Plane]:
        """Return copies of the planes of a 4:2:0 picture, full range, with nothing left of what is masked."""
        if self._drawn is None or self._drawn[0].shape != luma.shape:
            self._drawn = self._draw(luma.shape[1], luma.shape[0])
        fine, coarse = self._drawn
        black, grey = np.uint8(_BLACK), np.uint8(_GREY)
        return np.where(fine, black, luma), np.where(coarse, grey, blue), np.where(coarse, grey, red)

    def _draw(self, width: int, height: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return what is masked of the luma, (height, width), and of the colour planes, half of each."""
        fine = np.zeros((height, width), np.bool_)
        for shape in self._shapes:
            polygon = shapely.Polygon(shape * (width, height)).buffer(_MARGIN_PX)
            shapely.prepare(polygon)
            x_min, y_min, x_max, y_max = (int(edge) for edge in polygon.bounds)
            left, top = max(0, x_min), max(0, y_min)
            xs, ys = np.meshgrid(
                np.arange(left, min(width, x_max + 1)) + 0.5, np.arange(top, min(height, y_max + 1)) + 0.5
            )
            part = fine[top : top + xs.shape[0], left : left + xs.shape[1]]
            part |= shapely.contains_xy(polygon, xs, ys)
        coarse: npt.NDArray[np.bool_] = np.any(fine.reshape(height // 2, 2, width // 2, 2), axis=(1, 3))
        return fine, coarse


def samples(plane: VideoPlane) -> Plane:
    """Return a plane as (height, width) without copying it; rows may be padded."""
    rows: Plane = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # PyAV: a buffer
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]
