"""Evidence: the frame that decided, kept as it was, and a copy with the box and the zone drawn on it.

The frames of the bus are kept for seconds, so the copy is made at once, apart from the decision: a picture
must never hold up a warning. A frame that is gone is said to be missing; no other picture takes its place.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import structlog
from numpy.typing import NDArray
from sqlalchemy import select

from alerts.channels.base import Picture
from alerts.incidents.model import ChangeKind
from alerts.pipeline.books import Books
from alerts.store import Store, facts
from alerts.store.incidents import add_change, held
from alerts.store.schema import EvidenceRow
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.errors import DecodeError, EvidenceMissing, LianfangError
from lianfang.events import Frame, FrameReference
from lianfang.ids import new_epoch

_log = structlog.get_logger()
_ZONE_BGR, _BOX_BGR = (0, 200, 255), (40, 40, 255)
_QUALITY = 90
_RETRY_S = 1.0

Image = NDArray[np.uint8]


class EvidenceKeeper:
    """Turns pending evidence rows into files below ``folder``; one thread runs it.

    Of several alert services over one store each keeps what is pending, whoever decided it.
    """

    def __init__(self, store: Store, bus: Bus, books: Books, folder: Path, clock: Clock) -> None:
        self._store, self._bus, self._books, self._clock = store, bus, books, clock
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._epoch = new_epoch()  # another alert service may be writing the same picture
        self._wake = threading.Event()
        store.on_commit(self._wake.set)

    def run(self, stop: threading.Event) -> None:
        """Keep evidence until ``stop`` is set, then return within a second."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self.keep_pending()
            except (LianfangError, OSError) as error:
                _log.error("evidence_not_kept", error=str(error))
            self._wake.wait(_RETRY_S)

    def keep_pending(self) -> int:
        """Keep, or mark as missing, everything that is pending; return how many rows that were."""
        with self._store.read() as session:
            rows = list(session.scalars(select(EvidenceRow).where(EvidenceRow.state == "pending")))
        for row in rows:
            self._keep(row)
        return len(rows)

    def pictures(self, incident_id: str) -> tuple[tuple[Picture, ...], str] | None:
        """Return the incident's pictures and why some are missing; None while that is not known yet."""
        with self._store.read() as session:
            query = select(EvidenceRow).where(EvidenceRow.incident_id == incident_id)
            rows = list(session.scalars(query))
        if any(row.state == "pending" for row in rows):
            return None
        pictures = [p for row in rows if row.state == "kept" for p in self._read(row)]
        return tuple(pictures), "; ".join(row.reason for row in rows if row.reason)

    def _read(self, row: EvidenceRow) -> Iterable[Picture]:
        original = (self._folder / row.original).read_bytes()
        annotated = (self._folder / row.annotated).read_bytes()
        box = tuple(row.boxes[0]["xyxyn"]) if row.boxes else None
        yield Picture("original", original, row.sha256, row.captured_at, row.id, box)
        digest = hashlib.sha256(annotated).hexdigest()
        yield Picture("annotated", annotated, digest, row.captured_at, row.id, box)

    def _keep(self, row: EvidenceRow) -> None:
        changed: dict[str, str] = {}
        try:
            reference = FrameReference.model_validate(row.reference)
            record = self._bus.fetch(reference)
            original, image = decoded(codec.decode_frame(record.value, record.headers))
        except (EvidenceMissing, DecodeError) as error:
            changed = {"state": "missing", "reason": str(error)}
            _log.warning("evidence_missing", alert_id=row.incident_id, reason=str(error))
        else:
            annotated = annotate(image, row.boxes, self._polygon(row))
            changed = {
                "state": "kept",
                "sha256": hashlib.sha256(original).hexdigest(),
                "original": self._write(row, "original", original),
                "annotated": self._write(row, "annotated", annotated),
            }
        with self._store.write() as session:
            held(session, row.incident_id)  # first, as for every writer
            fresh = session.get_one(EvidenceRow, row.id, with_for_update=True)
            if fresh.state != "pending":
                # Another alert service was quicker, and its pictures are the same, or the camera's owner has
                # withdrawn meanwhile.
                for kind in {"original", "annotated"} & changed.keys() if fresh.state == "missing" else ():
                    (self._folder / changed[kind]).unlink(missing_ok=True)
                return
            for name, value in changed.items():
                setattr(fresh, name, value)
            data = {"evidence": row.id, "state": changed["state"], "reason": changed.get("reason", "")}
            add_change(session, row.incident_id, ChangeKind.EVIDENCE, "system", data, self._clock.now())

    def _write(self, row: EvidenceRow, kind: str, jpeg: bytes) -> str:
        """Write atomically and to the disk; return the path below the folder."""
        name = f"{row.captured_at:%Y-%m-%d}/{row.id}.{kind}.jpg"
        path = self._folder / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{self._epoch}.part")
        with temporary.open("wb") as file:
            file.write(jpeg)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return name

    def _polygon(self, row: EvidenceRow) -> tuple[tuple[float, float], ...]:
        """Return the zone as it was drawn in the version and profile by which the picture was judged."""
        with self._store.read() as session:
            known = facts.load(session, row.captured_at)
        camera = self._books.at(row.captured_at, known).config.cameras.get(row.camera)
        zone = camera.zones.get(row.zone) if camera else None
        return zone.polygon if zone else ()


def annotate(
    image: Image, boxes: Iterable[Mapping[str, Any]], polygon: Iterable[tuple[float, float]]
) -> bytes:
    """Return ``image`` (H × W × 3, BGR) as JPEG with the zone and the boxes drawn on it.

    ``polygon`` and each box's ``xyxyn`` are 0-1 of the picture.
    """
    drawn = image.copy()
    height, width = drawn.shape[:2]
    thick = max(2, round(width / 400))
    corners = np.array([(x * width, y * height) for x, y in polygon], dtype=np.int32)
    if len(corners):
        tint = drawn.copy()
        cv2.fillPoly(tint, [corners], _ZONE_BGR)
        drawn = np.asarray(cv2.addWeighted(tint, 0.2, drawn, 0.8, 0), dtype=np.uint8)
        cv2.polylines(drawn, [corners], isClosed=True, color=_ZONE_BGR, thickness=thick)
    for box in boxes:
        x1, y1, x2, y2 = (round(v * side) for v, side in zip(box["xyxyn"], (width, height) * 2, strict=True))
        cv2.rectangle(drawn, (x1, y1), (x2, y2), _BOX_BGR, thick)
        # Letters that OpenCV can draw: the label is an English class name, words for people stand beside.
        label = f"{box['label']} {box['confidence']:.2f}"
        cv2.putText(drawn, label, (x1, max(y1 - 6, 12)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _BOX_BGR, 1)
    return _encode(drawn)


def decoded(frame: Frame) -> tuple[bytes, Image]:
    """Return the picture as JPEG, untouched where it is one, and decoded (H × W × 3, BGR)."""
    if frame.encoding == "jpeg":
        try:
            image: Image = simplejpeg.decode_jpeg(frame.pixels, colorspace="BGR")
        except ValueError as error:
            raise DecodeError(f"frame {frame.camera_id}/{frame.seq} is no JPEG: {error}") from error
        return frame.pixels, image
    size = frame.height * frame.width * 3
    if len(frame.pixels) != size:
        raise DecodeError(f"frame {frame.camera_id}/{frame.seq}: {len(frame.pixels)} bytes, not {size}")
    raw = np.frombuffer(frame.pixels, dtype=np.uint8).reshape(frame.height, frame.width, 3)
    return _encode(raw), raw


def _encode(image: Image) -> bytes:
    jpeg: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=_QUALITY, colorspace="BGR", colorsubsampling="420"
    )
    return jpeg
