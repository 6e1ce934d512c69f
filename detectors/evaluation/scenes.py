"""Streets whose people are known by name: what a model would see of them, for measuring a tracker.

People walk, stop, turn and hide each other; the nearer ones are larger and hide those behind them. A model
misses some, trembles, is less sure of the half hidden, and now and then sees somebody where nobody is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections

STEP_S = 0.05  # of the walk itself, so that one scene is the same at every frame rate
ASPECT = 0.4  # width of a person by height
SPEED = 0.8  # heights a second: 1.4 m/s of somebody 1.7 m tall
WALK_S, STAND_S = 6.0, 4.0  # mean length of a walk and of a stop
HIDDEN, HALF_HIDDEN = 0.65, 0.3  # covered by so much: not found; found with less confidence
MISSED = 0.08  # share of boxes that a model leaves out for no reason
TREMBLE = 0.03  # of the sides, standard deviation
FALSE_BOXES = 0.3  # a picture

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """What a model found at ``at_s`` seconds, and whose each box (N,) is: a person's number, or -1."""

    at_s: float
    found: Detections
    owner: NDArray[np.int64]


@dataclass
class _People:
    """Where the feet (N, 2) of everybody are, how they go, how sure a model is of them, who they are."""

    feet: Floats
    velocity: Floats
    usual: Floats
    name: NDArray[np.int64]

    @classmethod
    def some(cls, count: int, random: np.random.Generator) -> _People:
        """Return ``count`` people who stand about."""
        feet = random.uniform((0.1, 0.35), (0.9, 0.95), (count, 2))
        return cls(feet, np.zeros((count, 2)), random.uniform(0.45, 0.9, count), np.arange(count))

    def walk_on(self, random: np.random.Generator) -> None:
        """Move all by a step; some stop, some go, and for one who leaves at a side another comes in."""
        walking = (self.velocity != 0).any(axis=1)
        change = random.random(len(self.feet)) < STEP_S / np.where(walking, WALK_S, STAND_S)
        angle = random.uniform(0, 2 * np.pi, len(self.feet))
        pace = SPEED * _height(self.feet) * random.uniform(0.6, 1.3, len(self.feet))
        # A street goes from left to right, and seen from a pole depth is flat.
        fresh = np.stack([pace * np.cos(angle), 0.3 * pace * np.sin(angle)], axis=1)
        self.velocity[change] = np.where(walking[:, None], 0.0, fresh)[change]
        self.feet += self.velocity * STEP_S
        self.feet[:, 1] = np.clip(self.feet[:, 1], 0.3, 1.0)
        for index in np.flatnonzero((self.feet[:, 0] < -0.05) | (self.feet[:, 0] > 1.05)).tolist():
            left = random.random() < 0.5
            self.feet[index] = (-0.05 if left else 1.05, random.uniform(0.35, 0.95))
            pace = SPEED * _height(self.feet[index : index + 1])
            self.velocity[index] = (pace[0] if left else -pace[0], 0.0)
            self.usual[index] = random.uniform(0.45, 0.9)
            self.name[index] = self.name.max() + 1


def street(seed: int, fps: float, people: int = 8, seconds: float = 60.0) -> Iterator[Seen]:
    """Yield the pictures of one scene, ``fps`` a second; the same for the same ``seed``."""
    walk = np.random.default_rng(seed)
    model = np.random.default_rng([seed, round(fps * 1000)])
    about = _People.some(people, walk)
    due_s = 0.0
    for step in range(round(seconds / STEP_S)):
        about.walk_on(walk)
        if step * STEP_S + 1e-9 >= due_s:
            due_s += 1 / fps
            yield _looked_at(about, step * STEP_S, model)


def _height(feet: Floats) -> Floats:
    return 0.05 + 0.25 * feet[:, 1]


def _looked_at(about: _People, at_s: float, random: np.random.Generator) -> Seen:
    height = _height(about.feet)
    sides = np.stack([ASPECT * height, height], axis=1)
    corner = about.feet - sides * (0.5, 1.0)
    covered = _covered(corner, sides, about.feet[:, 1])
    count = len(height)
    sure = about.usual + random.normal(0, 0.08, count) - 0.4 * np.clip(covered - HALF_HIDDEN, 0, 1)
    trembling = corner + random.normal(0, TREMBLE, sides.shape) * sides
    sides = sides * np.exp(random.normal(0, TREMBLE, sides.shape))
    boxes = np.clip(np.concatenate([trembling, trembling + sides], axis=1), 0, 1)
    found = (covered < HIDDEN) & (random.random(count) >= MISSED) & (sure >= 0.2)
    found &= boxes[:, 2] - boxes[:, 0] > 0.2 * sides[:, 0]  # almost out of the picture
    false = random.poisson(FALSE_BOXES)
    ghost = random.uniform((0.0, 0.0, 0.02, 0.05), (0.9, 0.8, 0.1, 0.2), (false, 4))
    ghost[:, 2:] += ghost[:, :2]
    confidence = np.concatenate([sure[found], random.uniform(0.2, 0.5, false)])
    order = np.argsort(-confidence)
    detections = Detections(
        np.concatenate([boxes[found], ghost])[order].astype(np.float32),
        np.clip(confidence[order], 0, 1).astype(np.float32),
        np.zeros(len(order), np.int64),
    )
    return Seen(at_s, detections, np.concatenate([about.name[found], np.full(false, -1)])[order])


def _covered(corner: Floats, sides: Floats, depth: Floats) -> Floats:
    """Return for each person (N,) the largest share that one nearer person hides, 0-1."""
    end = corner + sides
    common = np.minimum(end[:, None], end[None]) - np.maximum(corner[:, None], corner[None])
    share = np.maximum(common, 0).prod(axis=2) / sides.prod(axis=1)[:, None]
    nearer = depth[None, :] > depth[:, None]
    return np.asarray(np.where(nearer, share, 0.0).max(axis=1))
