"""OpenCV's MOG2 at two rates in the place of our own background, to measure whether it is as good.

MOG2: Zivkovic 2004, doi 10.1109/ICPR.2004.1333992. A quick model says what has settled, a slow one what the
ground is; a thing that stands is foreground to the slow one and background to the quick one. It takes the
place of `detectors.garbage.background.Background` in the same watch, so that all else is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.garbage.background import SETTLE_S, Background
from detectors.garbage.exposure import Change
from detectors.garbage.pictures import Mask, Memory, Picture, shown, strongest
from detectors.garbage.watch import Watch
from detectors.stages import garbage

_QUICK_S, _SLOW_S = 2.0, 60.0
_VARIANCES = 16.0  # OpenCV's default


@dataclass(frozen=True)
class Mog2Stage:
    """The garbage stage on MOG2."""

    config: garbage.Config

    @property
    def models(self) -> tuple[str, ...]:
        """Return nothing: it runs no model."""
        return ()

    def open(self, camera_id: str, track_epoch: str) -> garbage.CameraGarbage:
        """Return the stage for one camera; it learns the ground first."""
        return garbage.CameraGarbage(self.config, camera_id, track_epoch, Watch(self.config, Mog2))


class Mog2(Background):
    """The background of one camera's picture, kept by two MOG2 models."""

    def __init__(self, first: Picture, at_s: float, contrast: float) -> None:
        super().__init__(first, at_s, contrast)
        shape = first.shape[:2]
        self._quick, self._slow = (
            cv2.createBackgroundSubtractorMOG2(500, _VARIANCES, detectShadows=False) for _ in range(2)
        )
        self._gain, self._offset = np.ones(3, np.float32), np.zeros(3, np.float32)
        self.known = np.ones(shape, bool)
        self._foreground: Mask = np.zeros(shape, bool)
        self._accepted: Mask = np.zeros(shape, bool)

    def off_ground(self, picture: Picture) -> NDArray[np.uint8]:
        """Return (H, W): by how many levels ``picture`` differs from the slow model's picture."""
        return strongest(cv2.absdiff(picture, shown(self.ground)).astype(np.uint8))

    def follow(self, change: Change) -> None:
        """Note the exposure: MOG2's models stay in the first one, so that pictures are taken back to it."""
        self._gain, self._offset = change.gain * self._gain, change.of(self._offset)
        self.look, self.ground = change.of(self.look), change.of(self.ground)

    def update(self, picture: Picture, held: Mask, at_s: float, *, learning: bool) -> None:
        """Take in ``picture``; pixels ``held`` show the models what they hold already."""
        elapsed, self._at_s = max(0.0, at_s - self._at_s), at_s
        quick, slow = (
            self._apply(model, picture, held, memory, elapsed, constant)
            for model, memory, constant in (
                (self._quick, self.look, _QUICK_S),
                (self._slow, self.ground, _QUICK_S if learning else _SLOW_S),
            )
        )
        self.look, self.ground = (
            np.asarray(model.getBackgroundImage(), np.float32) * self._gain + self._offset
            for model in (self._quick, self._slow)
        )
        self.still_s[~held & ~quick] += elapsed
        self.still_s[~held & quick] = 0
        self._foreground = np.where(held, self._foreground, slow)
        self._accepted &= self._foreground
        self.clear_s[~held & ~slow] = at_s

    def _apply(
        self,
        model: cv2.BackgroundSubtractorMOG2,
        picture: Picture,
        held: Mask,
        memory: Memory,
        elapsed_s: float,
        constant_s: float,
    ) -> Mask:
        seen = np.where(held[..., None], memory, picture)
        first_light = shown(np.asarray((seen - self._offset) / self._gain, np.float32))
        foreground = model.apply(first_light, learningRate=-math.expm1(-elapsed_s / constant_s) or 1.0)
        return np.asarray(foreground) > 0

    def adopt(self, where: Mask) -> None:
        """Let what is seen ``where`` be the ground until the slow model sees the ground there."""
        self._accepted |= where

    def static(self) -> Mask:
        """Return (H, W): where something has settled that is not the ground."""
        return self._foreground & (self.still_s >= SETTLE_S) & ~self._accepted
