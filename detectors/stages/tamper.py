"""``kind: tamper``: a camera that was covered or turned, or whose picture is frozen; no model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.tamper.watch import Settings, Tampering, ViewWatch
from lianfang.events import DetectedObject

WHOLE = (0.0, 0.0, 1.0, 1.0)


class Config(Settings):
    """Objects as large as the picture, one for what is wrong; a rule asks for them by label."""

    kind: Literal["tamper"]

    @property
    def labels(self) -> tuple[str, ...]:
        """What it finds."""
        return tuple(kind.value for kind in Tampering)

    @property
    def needs_stillness(self) -> bool:
        """It looks at what does not move."""
        return True


@dataclass(frozen=True)
class Tamper:
    """The stage."""

    config: Config

    @property
    def models(self) -> tuple[str, ...]:
        """Return nothing: it runs no model."""
        return ()

    def open(self, camera_id: str, track_epoch: str) -> CameraTamper:
        """Return the stage for one camera; it learns the usual view first."""
        del camera_id
        return CameraTamper(ViewWatch(self.config), track_epoch)


@dataclass(frozen=True)
class CameraTamper:
    """The watch over one camera."""

    watch: ViewWatch
    track_epoch: str

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` and what is wrong with the view."""
        found = (
            DetectedObject(
                track_id=f"{self.track_epoch}:{wrong.kind.value}{wrong.n}",
                label=wrong.kind.value,
                confidence=wrong.certainty,
                xyxyn=WHOLE,
                attributes={"since": datetime.fromtimestamp(wrong.since_s, UTC).isoformat()},
            )
            for wrong in self.watch.look(image_bgr, at.timestamp())
        )
        return (*objects, *found)


def build(config: Config, models_dir: Path | None) -> Tamper:
    """Return the stage; it loads nothing, and raises nothing."""
    del models_dir
    return Tamper(config)
