"""Tracking at the borders of the picture: who comes in or goes out is seen in part, and is one person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from detectors.engines.base import Detections
from detectors.tracking import Track, Tracker

Box = tuple[float, float, float, float]
WIDTH, HEIGHT = 0.08, 0.25


def seen_at(x: float, y: float) -> Box | None:
    """Return what is in the picture of somebody whose centre is at x, y; None where it is a mere sliver."""
    box = (
        max(x - WIDTH / 2, 0.0),
        max(y - HEIGHT / 2, 0.0),
        min(x + WIDTH / 2, 1.0),
        min(y + HEIGHT / 2, 1.0),
    )
    return box if box[2] - box[0] > WIDTH / 5 and box[3] - box[1] > HEIGHT / 5 else None


def play(scene: Callable[[float], Sequence[Box | None]], until_s: float, fps: float) -> list[list[Track]]:
    tracker = Tracker(labels=("person",))
    tracker.update(Detections.empty(), -1.0)
    result = []
    for frame in range(int(until_s * fps) + 1):
        boxes = [box for box in scene(frame / fps) if box is not None]
        count = len(boxes)
        found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4), np.full(count, 0.8, np.float32), np.zeros(count, int)
        )
        result.append(tracker.update(found, frame / fps))
    return result


def numbers(played: list[list[Track]]) -> list[int]:
    """Return the numbers given out, in their order."""
    return sorted({track.n for tracks in played for track in tracks if track.n is not None})


@pytest.mark.parametrize("fps", [5, 10])
@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1), (0, -1)], ids=["right", "left", "down", "up"])
def test_one_who_crosses_the_picture_has_one_number(fps: float, direction: tuple[int, int]) -> None:
    """At walking speed: two widths a second, eight tenths of the height."""
    speed = (direction[0] * 2 * WIDTH, direction[1] * 0.8 * HEIGHT)
    seconds = 1.2 / max(abs(speed[0]), abs(speed[1]))

    def scene(at_s: float) -> list[Box | None]:
        return [seen_at(*(0.5 + speed[axis] * (at_s - seconds / 2) for axis in (0, 1)))]

    played = play(scene, seconds, fps)
    assert numbers(played) == [1]
    looked = [bool(tracks) for tracks in played]
    named = [any(track.n == 1 for track in tracks) for tracks in played]
    assert sum(looked) - sum(named) == 1  # unconfirmed in the first one


def test_one_who_stands_half_in_the_picture_and_steps_in_keeps_the_number() -> None:
    def scene(at_s: float) -> list[Box | None]:
        return [seen_at(0.01 if at_s < 3 else min(0.01 + 0.16 * (at_s - 3), 0.3), 0.5)]

    assert numbers(play(scene, until_s=6, fps=5)) == [1]


def test_who_comes_in_where_somebody_went_out_is_somebody_new() -> None:
    """One walks out at the left; a second later another walks in there."""

    def scene(at_s: float) -> list[Box | None]:
        out = 0.2 - 0.16 * at_s
        back = -0.04 + 0.16 * (at_s - 2.5)
        return [seen_at(out, 0.5), seen_at(back, 0.5) if at_s > 2.5 else None]

    assert numbers(play(scene, until_s=4, fps=5)) == [1, 2]


def test_a_larger_one_at_the_border_is_not_taken_for_the_small_one_beside() -> None:
    """A box that is cut may be larger than it looks, but not smaller than it is."""

    def scene(at_s: float) -> list[Box | None]:
        small, large = (0.03, 0.45, 0.08, 0.55), (0.0, 0.2, 0.2, 0.9)
        return [small] if at_s < 1 else [large]

    played = play(scene, until_s=2, fps=5)
    assert numbers(played) == [1, 2]
