"""A person's photograph of a case: decoded and encoded anew, so that it is a picture and nothing besides."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from alerts.actions import NotAllowed, NotYours
from alerts.incidents.life import TAKEN
from alerts.incidents.model import ChangeKind, State
from alerts.store import Store, photos
from alerts.store.incidents import add_change, held
from alerts.store.photos import PhotoRow
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.ids import identify

MAX_BYTES = 8 * 1024 * 1024
MAX_PHOTOS = 10
_MAX_PIXELS = 50_000_000
_LONG_SIDE, _QUALITY = 1920, 85
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


class NoPicture(LianfangError):  # noqa: N818 - reads as the fact it states
    """What was sent is no picture that is taken."""


def add(
    store: Store, config: Config, clock: Clock, folder: Path, incident_id: str, actor: str, data: bytes
) -> None:
    """Keep ``data``, a JPEG or PNG, as a photograph of an incident that somebody deals with.

    LookupError if there is no such incident, NotYours if the actor may not, NotAllowed in another state or
    beyond ``MAX_PHOTOS``, NoPicture for anything else.
    """
    jpeg, now = encoded(data), clock.now()
    photo_id = identify("photo", incident_id, actor, now.isoformat())
    name = f"{now:%Y-%m-%d}/{photo_id}.photo.jpg"
    with store.write() as session:
        row = held(session, incident_id)
        if row is None:
            raise LookupError(f"no incident {incident_id}")
        operator = config.api.operators.get(actor)
        if operator and operator.role == "worker" and row.assignee not in config.stands_for(actor):
            raise NotYours(f"{actor} may not put a photograph to this incident")
        if State(row.state) not in TAKEN:
            raise NotAllowed(f"a photograph is not possible: the incident is {row.state}")
        if photos.count(session, incident_id) >= MAX_PHOTOS:
            raise NotAllowed(f"{MAX_PHOTOS} photographs are enough")
        _write(folder / name, jpeg)
        session.add(PhotoRow(id=photo_id, incident_id=incident_id, by=actor, at=now, file=name))
        add_change(session, incident_id, ChangeKind.PHOTOGRAPHED, actor, {"photo": photo_id}, now)


def encoded(data: bytes, long_side: int = _LONG_SIDE) -> bytes:
    """Return a picture as JPEG of at most ``long_side`` pixels a side, upright, with nothing else in it."""
    if len(data) > MAX_BYTES:
        raise NoPicture(f"found {len(data)} bytes; allowed: {MAX_BYTES}")
    if _pixels(data) > _MAX_PIXELS:
        raise NoPicture(f"found {_pixels(data)} pixels; allowed: {_MAX_PIXELS}")
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)  # turned as the camera says
    if image is None:
        raise NoPicture("found a broken picture; allowed: a JPEG or a PNG")
    scale = long_side / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=_QUALITY, colorspace="BGR")
    return jpeg


def _pixels(data: bytes) -> int:
    """Return how many pixels a picture says that it has: a few bytes may stand for more than memory holds."""
    if data.startswith(_PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    if data.startswith(_JPEG):
        try:
            height, width, *_ = simplejpeg.decode_jpeg_header(data)
        except ValueError as error:
            raise NoPicture(f"found a broken JPEG: {error}; allowed: a JPEG or a PNG") from error
        return int(height) * int(width)
    raise NoPicture("found neither; allowed: a JPEG or a PNG")


def _write(path: Path, jpeg: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        file.write(jpeg)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
