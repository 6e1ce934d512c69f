"""How a box moves: a Kalman filter over seconds, so that a frame rate of 2 or 10, or a gap, is all the same.

Position and velocity follow an Ornstein-Uhlenbeck velocity (Singer 1970): a random velocity that is forgotten
within some `VELOCITY_MEMORY_S`. Unlike the constant velocity of SORT and ByteTrack it says something sensible
over a gap of two seconds, in which people stop and turn, and it needs no made-up start: the velocity of an
object never seen before is distributed as that of any other.

Uncertainties are in units of the box's own width (for x) and height (for y): the near and the far end of a
street behave alike, and one variance serves both axes.

The constants are those with the fewest wrong and torn numbers on 79 s of a street with people who meet, stop
and hide each other, at 2 to 10 frames a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

VELOCITY_SD = 1.5  # boxes a second: a walking person is 2 to 3 box widths a second, a standing one none
VELOCITY_MEMORY_S = 6.0  # most people go on as they go
POSITION_NOISE_SD = 0.15  # boxes; jitter of the detector's centres
SIZE_NOISE_SD = 0.2  # of the logarithm of width and height: arms, strides, half hidden bodies
SIZE_DRIFT_SD = 0.2  # of the same, in one second


@dataclass
class Motion:
    """Where a box is believed to be. ``x``, ``y``: centre; velocities per second; sides as logarithms."""

    x: float
    y: float
    log_width: float
    log_height: float
    x_velocity: float = 0.0
    y_velocity: float = 0.0
    position_variance: float = POSITION_NOISE_SD**2
    covariance: float = 0.0
    velocity_variance: float = VELOCITY_SD**2
    size_variance: float = SIZE_NOISE_SD**2
    cut: tuple[float, float] = (0.0, 0.0)  # by the picture's border, at the last measurement: `association`

    @classmethod
    def at(cls, measured: Sequence[float]) -> Motion:
        """Return the belief after one measurement (x, y, log width, log height)."""
        x, y, log_width, log_height = measured
        return cls(x, y, log_width, log_height)

    @property
    def is_outside(self) -> bool:
        """Whether nothing of it is in the picture any more."""
        half_width, half_height = math.exp(self.log_width) / 2, math.exp(self.log_height) / 2
        return not (-half_width < self.x < 1 + half_width and -half_height < self.y < 1 + half_height)

    def predict(self, elapsed_s: float) -> None:
        """Move on by ``elapsed_s`` (not negative)."""
        kept = math.exp(-elapsed_s / VELOCITY_MEMORY_S)
        reach_s = VELOCITY_MEMORY_S * (1 - kept)  # how far a velocity of 1 still carries
        self.x += self.x_velocity * reach_s
        self.y += self.y_velocity * reach_s
        self.x_velocity *= kept
        self.y_velocity *= kept
        # Exact discretisation with the stationary variance VELOCITY_SD ** 2.
        power = VELOCITY_SD**2
        added_position = power * (2 * VELOCITY_MEMORY_S * (elapsed_s - reach_s) - reach_s**2)
        added_covariance = power * reach_s * (1 - kept)
        self.position_variance += (
            2 * reach_s * self.covariance + reach_s**2 * self.velocity_variance + added_position
        )
        self.covariance = kept * (self.covariance + reach_s * self.velocity_variance) + added_covariance
        self.velocity_variance = kept**2 * self.velocity_variance + power * (1 - kept**2)
        self.size_variance += SIZE_DRIFT_SD**2 * elapsed_s

    def correct(self, measured: Sequence[float]) -> None:
        """Take in a measurement (x, y, log width, log height)."""
        x, y, log_width, log_height = measured
        innovation_variance = self.position_variance + POSITION_NOISE_SD**2
        gain = self.position_variance / innovation_variance
        velocity_gain = self.covariance / innovation_variance
        x_error, y_error = x - self.x, y - self.y
        self.x += gain * x_error
        self.y += gain * y_error
        self.x_velocity += velocity_gain * x_error
        self.y_velocity += velocity_gain * y_error
        self.velocity_variance -= velocity_gain * self.covariance
        self.covariance *= 1 - gain
        self.position_variance *= 1 - gain
        size_gain = self.size_variance / (self.size_variance + SIZE_NOISE_SD**2)
        self.log_width += size_gain * (log_width - self.log_width)
        self.log_height += size_gain * (log_height - self.log_height)
        self.size_variance *= 1 - size_gain
