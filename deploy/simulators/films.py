"""What strict receivers make sure of where they are given a film."""

from __future__ import annotations

import base64
import binascii
import hashlib
from io import BytesIO

import av

_TOLERANCE_S = 1.0  # the last picture is shown for a while


def check_film(data: str, size_bytes: int, seconds: float, sha256: str = "") -> None:
    """Return for an MP4 of that size and length whose every picture can be shown; ValueError."""
    try:
        film = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError("the film is no base64") from error
    if len(film) != size_bytes or (sha256 and hashlib.sha256(film).hexdigest() != sha256):
        raise ValueError("the film is not what its size and sha256 say")
    try:
        with av.open(BytesIO(film), "r") as container:
            times = [float(picture.time or 0) for picture in container.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"the film cannot be played: {error}") from error
    if not times or times != sorted(times) or abs(times[-1] - seconds) > _TOLERANCE_S:
        raise ValueError(f"the film does not last {seconds:g} s")
