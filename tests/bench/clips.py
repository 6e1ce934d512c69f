"""What a clip costs: the processor's time of its encoder, its size, and what copying its frames takes."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import av
import numpy as np

from alerts.clip.spool import Spool
from lianfang import codec
from lianfang.bus import Position, Record
from lianfang.events import FRAMES, Frame
from tests.bench.media import Image, full_hd, jpeg, pictures

FPS, SECONDS = 5, 30
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def measure(folder: Path) -> dict[str, float]:
    """Return the figures of a clip of 30 s at 5 pictures a second, from 768×576 and from 1920×1080."""
    found = {}
    for name, images in (("576p", pictures(FPS * SECONDS * 2)[::2]), ("1080p", list(_hd()))):
        frames = [_record(n, images[n % len(images)]) for n in range(FPS * SECONDS)]
        began_s = time.process_time()
        spool = Spool(folder / f"{name}.frames")
        for record in frames:
            spool.add(record, codec.decode_frame(record.value, record.headers).captured_at)
        spool.close()
        found[f"{name}.copy_cpu_s"] = time.process_time() - began_s
        found |= {f"{name}.{key}": value for key, value in _encoded(spool.path).items()}
    return found


def _encoded(spool: Path) -> dict[str, float]:
    target = spool.with_suffix(".mp4")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.monotonic()
    command = [sys.executable, "-m", "alerts.clip.encode", str(spool), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    took_s = time.monotonic() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size_mb, spool_mb = (file.stat().st_size / 1e6 for file in (target, spool))
    return {"cpu_s": cpu_s, "wall_s": took_s, "mb": size_mb, "spool_mb": spool_mb}


def _hd() -> Iterator[Image]:
    with av.open(str(full_hd()), "r") as film:
        for picture in islice(film.decode(video=0), 0, None, 5):
            yield np.asarray(picture.to_ndarray(format="bgr24"), dtype=np.uint8)


def _record(number: int, image: Image) -> Record:
    height, width = image.shape[:2]
    at = BEGIN + timedelta(seconds=number / FPS)
    frame = Frame("cam", "epoch", number, at, at, width, height, "jpeg", jpeg(image))
    value, headers = codec.encode_frame(frame)
    return Record(Position(FRAMES, 0, number), "cam", value, headers, at)
