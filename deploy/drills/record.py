"""Record a staged event: the pictures of a camera's own source, as ingest would publish them."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from av import VideoFrame
from av.error import FFmpegError

from alerts.rules.base import RuleSettings
from deploy.drills import case
from deploy.drills.case import Drill
from ingest.encode import Encoder
from ingest.sampler import Sampler
from ingest.sources.base import Asked, Source, SourceEnded, Stream
from ingest.timing import CaptureTimes, HostTime
from lianfang import plugins
from lianfang.clock import Clock
from lianfang.config import Camera, Config
from lianfang.config.way import way_of
from lianfang.errors import LianfangError


@dataclass(frozen=True)
class Wanted:
    """What is to be recorded: for how many ``seconds``, and when which rule must have raised an alarm.

    Without ``end_s``, anywhere up to the end of the recording.
    """

    camera_id: str
    rule: str
    name: str
    seconds: float
    start_s: float = 0.0
    end_s: float | None = None


def record(config: Config, wanted: Wanted, clock: Clock, progress: Callable[[str], None]) -> tuple[Path, int]:
    """Record; return the folder of the drill and how many pictures it has. ``progress`` hears when it begins.

    It is there whole or not at all. LianfangError where there is no such camera, rule or time, where the
    name is taken, and where the source is lost. A source that ends, a file, makes the drill shorter.
    """
    refuse(config, wanted)
    progress(f"recording {wanted.camera_id} for {wanted.seconds:g} s …")
    target = case.camera_folder(config.data_dir, wanted.camera_id) / wanted.name
    for folder in (config.data_dir, target.parent.parent, target.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))  # mode 0700
    try:
        count = _fill(unfinished, config, wanted, clock)
        os.rename(unfinished, target)  # noqa: PTH104 - unlike Path.replace it fails on a folder with content
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return target, count


def _fill(folder: Path, config: Config, wanted: Wanted, clock: Clock) -> int:
    """Write pictures and expectation; return how many pictures came."""
    times: list[datetime] = []
    stream = way_of(config, wanted.camera_id).stream
    for at, jpeg in pictures(config.cameras[wanted.camera_id], clock, wanted.seconds, stream):
        times.append(at)
        case.keep(case.picture_file(folder, at - times[0]), jpeg)
    if not times:
        raise LianfangError(f"{wanted.camera_id}: no picture came")
    lasted_s = (times[-1] - times[0]).total_seconds()
    if lasted_s <= wanted.start_s:
        raise LianfangError(f"{wanted.camera_id}: pictures for {lasted_s:.1f} s only, none after --start")
    end_s = min(wanted.seconds, lasted_s) if wanted.end_s is None else wanted.end_s
    case.write(folder, Drill(rule=wanted.rule, recorded_at=times[0], start_s=wanted.start_s, end_s=end_s))
    return len(times)


def refuse(config: Config, wanted: Wanted) -> None:
    """Raise LianfangError, with what is allowed, where ``wanted`` cannot be recorded."""
    if wanted.camera_id not in config.cameras:
        raise LianfangError(f"no camera {wanted.camera_id!r}; there are {', '.join(sorted(config.cameras))}")
    rules = [
        name
        for name, rule in sorted(config.rules.items())
        if isinstance(rule, RuleSettings) and rule.enabled and wanted.camera_id in rule.cameras
    ]
    if wanted.rule not in rules:
        listed = ", ".join(rules) or "none"
        raise LianfangError(
            f"no enabled rule {wanted.rule!r} looks at {wanted.camera_id}; there are: {listed}"
        )
    end_s = wanted.seconds if wanted.end_s is None else wanted.end_s
    if not 0 <= wanted.start_s < end_s <= wanted.seconds <= case.MAX_SECONDS:
        raise LianfangError(f"0 <= --start < --end <= --seconds <= {case.MAX_SECONDS:g} does not hold")
    if (case.camera_folder(config.data_dir, wanted.camera_id) / wanted.name).exists():
        raise LianfangError(
            f"{wanted.camera_id} has a drill {wanted.name!r} already: remove it, or name another"
        )


def pictures(
    camera: Camera, clock: Clock, seconds: float, stream: Stream = "main"
) -> Iterator[tuple[datetime, bytes]]:
    """Yield (captured at, JPEG) for ``seconds``, by the camera's settings; SourceLost where it is lost."""
    source: Source = plugins.build("ingest.sources", camera.source, clock)
    timing, times = source.timing(HostTime(clock)), CaptureTimes()
    sampler, encoder = Sampler(camera.fps), Encoder.of(camera)
    first: datetime | None = None
    try:
        with closing(source.open(threading.Event(), Asked(stream))) as shown:
            for picture in shown:
                if picture.frame is None or picture.corrupt:
                    continue
                at = times.next(timing.taken_at(picture.pts_s))
                if first is not None and (at - first).total_seconds() > seconds:
                    return
                jpeg = _encoded(encoder, picture.frame) if sampler.takes(at) else None
                if jpeg is not None:
                    first = first or at
                    yield at, jpeg
    except SourceEnded:
        return


def _encoded(encoder: Encoder, frame: VideoFrame) -> bytes | None:
    """Return the JPEG, None where the picture's colours cannot be converted: ingest drops it as well."""
    try:
        return encoder.encode(frame).data
    except (FFmpegError, ValueError):
        return None
