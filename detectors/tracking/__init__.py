"""Tracking: the same object keeps its number from frame to frame."""

from __future__ import annotations

from detectors.tracking.tracker import Config, Track, Tracker

__all__ = ["Config", "Track", "Tracker"]
