"""A voice to test with, and sounds."""

from __future__ import annotations

import shutil

import numpy as np

from alerts.voice.sound import RATE, Samples
from tests.support.kafka import missing


def needs_espeak() -> None:
    """Skip the test where there is no voice."""
    if shutil.which("espeak-ng") is None:
        missing("no espeak-ng: install Debian's package of that name")


def tone(seconds: float, level: float = 0.1, hz: float = 440) -> Samples:
    """Return a tone of ``level`` of full scale."""
    at = np.arange(int(seconds * RATE)) / RATE
    samples: Samples = (np.sin(2 * np.pi * hz * at) * level * 32767).astype(np.int16)
    return samples
