"""What every engine gives: boxes of one image, whatever model computes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """The objects of one image, strongest first.

    ``xyxyn`` is (N, 4), x_min, y_min, x_max, y_max as 0-1 of the image given; ``confidence`` is (N,), 0-1;
    ``class_id`` is (N,), an index of the engine's ``labels``.
    """

    xyxyn: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.confidence)
        if (
            self.xyxyn.shape != (count, 4)
            or self.confidence.shape != (count,)
            or self.class_id.shape != (count,)
        ):
            shapes = f"{self.xyxyn.shape}, {self.confidence.shape}, {self.class_id.shape}"
            raise ValueError(f"shapes do not belong together: {shapes}")

    def __len__(self) -> int:
        return len(self.confidence)

    @classmethod
    def empty(cls) -> Detections:
        """Return no detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


class Engine(Protocol):
    """A model that is ready to run. ``detect`` may be called from any number of threads at once."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the name of each ``class_id``."""
        ...

    @property
    def model_id(self) -> str:
        """Return the model's name and the first 12 hex digits of its sha256: ``nanodet-g@0123456789ab``."""
        ...

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        """Return the objects in ``image_bgr``, (height, width, 3), of any size from 1 x 1.

        Raises ValueError for an array that is no such image.
        """
        ...


def require_image(image_bgr: NDArray[np.uint8]) -> None:
    """Raise ValueError unless ``image_bgr`` is uint8, (height, width, 3), and not empty."""
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or not image_bgr.size or image_bgr.dtype != np.uint8:
        raise ValueError(f"want a uint8 image (height, width, 3), got {image_bgr.dtype} {image_bgr.shape}")
