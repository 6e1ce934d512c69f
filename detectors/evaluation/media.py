"""The clips of a folder with ground truth, picture by picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from lianfang.paths import cache_dir

FPS = 5.0
_UNREADABLE = "hostile_"  # a file that crashes decoders is no measure of a detector


def clips_of(data: Path) -> list[Path]:
    """Return the clips of ``data`` and, where it has any, the sample video if this user has it."""
    clips = sorted(p for p in (data / "clips").glob("*") if p.suffix in {".avi", ".mp4"})
    clips = [p for p in clips if not p.name.startswith(_UNREADABLE)]
    return [*clips, sample()] if clips and sample().is_file() else clips


def sample() -> Path:
    """Return where the demo keeps its sample video, a street with people; it may not be there."""
    return cache_dir() / "media" / "vtest.avi"


def pictures(clip: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield (seconds, picture (H, W, 3) BGR) at FPS; what cannot be decoded ends the clip."""
    due_s = 0.0
    with av.open(str(clip)) as container:
        frames = container.decode(video=0)
        while True:
            try:
                frame = next(frames)
            except (StopIteration, av.error.FFmpegError):
                return
            at_s = float(frame.time or 0.0)
            if at_s + 1e-3 < due_s:
                continue
            due_s += 1 / FPS
            yield at_s, frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
