"""A recorded video in place of a camera's source: through its stages and rules, on its own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import av
import av.error
import simplejpeg

from alerts.incidents.incident import Incident
from deploy.drills.record import pictures
from deploy.replay import Replay
from detectors.stages.base import Stage
from ingest.sources import file
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.events import Frame

Hit = Callable[[Incident, bytes], None]
"""Is told of an incident that has just opened, and of the JPEG that it opened with."""


@dataclass(frozen=True)
class Recording:
    """A video of a camera. ``begin`` is when it began; what counts is ``before`` a time, None for all."""

    path: Path
    camera_id: str
    begin: datetime
    before: datetime | None = None


def raised(
    config: Config,
    recording: Recording,
    stages: Mapping[str, Stage],
    progress: Callable[[float], None],
    hit: Hit,
) -> list[Incident]:
    """Return the incidents that the video opens, as they were left, in their order.

    Only the rules that look at its camera see it. ``progress`` gets the share that is done, 0-1.
    LianfangError where there is no such camera, or no picture in the file.
    """
    camera_id = recording.camera_id
    if camera_id not in config.cameras:
        raise LianfangError(f"no camera {camera_id!r}; there are {', '.join(sorted(config.cameras))}")
    if not recording.path.is_file():
        raise LianfangError(f"no file {recording.path}; allowed: a video file")
    source = file.Config(kind="file", path=recording.path, pace="asap", start=recording.begin)
    camera = config.cameras[camera_id].model_copy(update={"source": source})
    replay, length_s = Replay(config, camera_id, stages), _length_s(recording.path)
    for seq, (at, jpeg) in enumerate(pictures(camera, SystemClock(), float("inf"))):
        if recording.before is not None and at >= recording.before:
            break
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        known = replay.incidents.keys() | set()
        replay.look(Frame(camera_id, "backtest", seq, at, at, width, height, "jpeg", jpeg))
        for incident in (replay.incidents[i] for i in replay.incidents.keys() - known):
            hit(incident, jpeg)
        if length_s:
            progress(min(1.0, (at - recording.begin).total_seconds() / length_s))
    progress(1.0)
    return sorted(replay.incidents.values(), key=lambda i: (i.opened_at, i.id))


def _length_s(path: Path) -> float:
    """Return how long the video says that it is, 0 where it does not."""
    try:
        with av.open(str(path)) as container:
            return (container.duration or 0) / av.time_base
    except (av.error.FFmpegError, OSError):
        return 0.0  # reading it will say what is wrong
