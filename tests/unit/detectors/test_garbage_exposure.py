"""A change of exposure is found whatever else has changed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.garbage.exposure import change

RANDOM = np.random.default_rng(2)
SEEN = np.clip(RANDOM.normal(120, 30, (90, 120, 3)), 10, 200).astype(np.float32)
ALL = np.ones(SEEN.shape[:2], bool)


def noisy(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(levels + RANDOM.normal(0, 2, levels.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("gain", "offset"),
    [(1.2, 0), (0.5, 0), (1.0, 30), (0.8, 20), ((0.9, 1.0, 1.2), (5, 0, -5))],
)
@pytest.mark.parametrize("other", [0.0, 0.4])
def test_gain_and_offset_are_found_beside_things_that_came(
    gain: float | tuple[float, ...], offset: float | tuple[float, ...], other: float
) -> None:
    now = noisy(SEEN * np.array(gain) + np.array(offset))
    now[: round(90 * other)] = 20
    found = change(SEEN, now, ALL)
    assert found is not None
    levels = np.array([[60.0] * 3, [120.0] * 3, [180.0] * 3])
    assert found.of(levels.astype(np.float32)) == pytest.approx(
        levels * np.array(gain) + np.array(offset), abs=4
    )


def test_no_change_and_another_view_are_none() -> None:
    assert change(SEEN, noisy(SEEN), ALL) is None
    assert change(SEEN, noisy(SEEN[::-1, ::-1]), ALL) is None
    assert change(SEEN, noisy(SEEN * 1.3), np.zeros_like(ALL)) is None
    assert change(SEEN, np.zeros(SEEN.shape, np.uint8), ALL) is None


def test_what_went_beyond_white_comes_back() -> None:
    brighter = change(SEEN, noisy(SEEN * 1.8), ALL)
    assert brighter is not None
    seen_bright = brighter.of(SEEN)
    assert seen_bright.max() > 300
    back = change(seen_bright, noisy(SEEN), ALL)
    assert back is not None
    assert np.abs(back.of(seen_bright) - SEEN).max() < 8
