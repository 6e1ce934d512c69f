"""Calibration: what the score of a model is worth, as a probability that means the same of every model."""

from __future__ import annotations

from detectors.calibration.curves import Calibration, Curve, of_model, read

__all__ = ["Calibration", "Curve", "of_model", "read"]
