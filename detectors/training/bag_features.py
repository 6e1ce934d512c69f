"""What the backbone makes of each view, computed once and kept in files: about 7 GB for 700 photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.garbage.bags import INPUT_PX, Stages
from detectors.training.bag_network import STAGE_CHANNELS
from detectors.training.bag_views import Boxes, Photo, View, mirrored, part, plain, varied

VIEWS = 8  # of each photo: as it is, mirrored, and half of the others from afar
PARTS = 3  # of each picture without bags
_SIDES = {name: INPUT_PX // int(name[1:]) for name in STAGE_CHANNELS}
_TRUTH = "views.npz"


@dataclass(frozen=True)
class Kept:
    """One view: its row in the files, its bags, where nothing is judged, and what is known of its photo."""

    row: int
    bags: Boxes
    unsure: Boxes
    held: bool
    has_bags: bool
    as_it_is: bool


class Features:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read."""
        self._folder = folder

    def write(self, views: Iterable[tuple[View, Photo, bool]], backbone: Stages) -> None:
        """Compute and keep ``views``, each with its photo and whether it is the photo as it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        truth: list[tuple[View, Photo, bool]] = []
        files = {name: (self._folder / f"{name}.f16").open("wb") for name in STAGE_CHANNELS}
        try:
            for view, photo, as_it_is in views:
                for name, stage in backbone.look(view.square)[0].items():
                    stage[0].astype(np.float16).tofile(files[name])
                truth.append((View(view.square[:0], view.bags, view.unsure), photo, as_it_is))
        finally:
            for file in files.values():
                file.close()
        np.savez(
            self._folder / _TRUTH,
            bags=np.concatenate([view.bags for view, _, _ in truth]),
            bag_counts=[len(view.bags) for view, _, _ in truth],
            unsure=np.concatenate([view.unsure for view, _, _ in truth]),
            unsure_counts=[len(view.unsure) for view, _, _ in truth],
            held=[photo.held for _, photo, _ in truth],
            has_bags=[photo.has_bags for _, photo, _ in truth],
            as_it_is=[as_it_is for _, _, as_it_is in truth],
        )

    def kept(self) -> list[Kept]:
        """Return the views that were kept, none where there are none."""
        if not (self._folder / _TRUTH).is_file():
            return []
        with np.load(self._folder / _TRUTH) as truth:
            bags, unsure = (
                np.split(truth[name].astype(np.float32), np.cumsum(truth[f"{counts}_counts"])[:-1])
                for name, counts in (("bags", "bag"), ("unsure", "unsure"))
            )
            flags = zip(truth["held"], truth["has_bags"], truth["as_it_is"], strict=True)
            return [
                Kept(row, bags[row], unsure[row], *(bool(flag) for flag in of))
                for row, of in enumerate(flags)
            ]

    def read(self, rows: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """Return the three stages (N, channels, side, side) of views."""
        return {name: np.stack([self._read(name, row) for row in rows]) for name in STAGE_CHANNELS}

    def _read(self, name: str, row: int) -> NDArray[np.float32]:
        shape = (STAGE_CHANNELS[name], _SIDES[name], _SIDES[name])
        size = int(np.prod(shape))
        path = self._folder / f"{name}.f16"
        return np.fromfile(path, np.float16, size, offset=2 * size * row).reshape(shape).astype(np.float32)


def views(photos: Sequence[Photo], others: Sequence[Photo], seed: int) -> Iterable[tuple[View, Photo, bool]]:
    """Yield what is learned from, each with its photo and whether it is the photo as it is."""
    random = np.random.default_rng(seed)
    for kind in range(VIEWS):
        for photo in photos:
            if kind <= 1:
                view = plain(photo)
                yield (mirrored(view) if kind else view), photo, kind == 0
            else:
                yield varied(photo, random, coarse=kind % 2 == 1), photo, False
    for number in range(PARTS):
        for photo in others:
            yield part(photo, random), photo, number == 0
