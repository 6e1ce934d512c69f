"""A square of a picture, cut out at any place, size and turn as a little picture of a fixed size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Square:
    """Where it lies in pixels of the picture: its middle and side (above 0); turned and then mirrored."""

    x: float
    y: float
    side: float
    angle_deg: float = 0.0
    mirrored: bool = False

    def cut(self, image_bgr: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
        """Return what it shows, (px, px, 3) BGR. Beyond the picture its edges go on."""
        scale = px / self.side
        # Only what the square needs, and shrunk by areas first: bilinear alone would skip pixels.
        reach = int(self.side) + 2
        left, top = max(int(self.x) - reach, 0), max(int(self.y) - reach, 0)
        part = image_bgr[top : max(int(self.y) + reach + 1, 0), left : max(int(self.x) + reach + 1, 0)]
        if not part.size:
            return np.zeros((px, px, 3), np.uint8)
        cx, cy = self.x - left, self.y - top
        if scale < 0.5:
            whole = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
            shrunk = cv2.resize(np.ascontiguousarray(part), whole, interpolation=cv2.INTER_AREA)
            cx, cy, scale = cx * whole[0] / part.shape[1], cy * whole[1] / part.shape[0], 1.0
            part = np.asarray(shrunk, np.uint8)
        turn = np.asarray(cv2.getRotationMatrix2D((cx, cy), self.angle_deg, scale), np.float64)
        turn[0, 2] += px / 2 - cx
        turn[1, 2] += px / 2 - cy
        if self.mirrored:
            turn[0] = -turn[0]
            turn[0, 2] += px - 1
        shown = cv2.warpAffine(np.ascontiguousarray(part), turn, (px, px), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(shown, np.uint8)

    def inside(self, x: float, y: float, px: int) -> tuple[float, float]:
        """Return where a point of the picture lies in what `cut` shows, in its pixels."""
        scale, turn = px / self.side, np.deg2rad(self.angle_deg)
        right, down = (x - self.x) * scale, (y - self.y) * scale
        across = float(right * np.cos(turn) + down * np.sin(turn)) + px / 2
        along = float(down * np.cos(turn) - right * np.sin(turn)) + px / 2
        return (px - 1 - across if self.mirrored else across), along

    def outside(self, u: float, v: float, px: int) -> tuple[float, float]:
        """Return where a point of what `cut` shows, in its pixels, lies in the picture."""
        scale, turn = self.side / px, np.deg2rad(self.angle_deg)
        across, along = ((px - 1 - u if self.mirrored else u) - px / 2) * scale, (v - px / 2) * scale
        x = self.x + float(across * np.cos(turn) - along * np.sin(turn))
        return x, self.y + float(across * np.sin(turn) + along * np.cos(turn))
