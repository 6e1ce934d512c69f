"""The pictures of hits: what each incident opened with, its zone and boxes drawn on it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import simplejpeg
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.evidence import annotate
from alerts.incidents.incident import Incident
from alerts.incidents.occupancy import seen_at
from alerts.store.schema import EvidenceRow
from lianfang.config import Config


class Album:
    """A folder of pictures; only its owner may look at them."""

    def __init__(self, config: Config, folder: Path) -> None:
        """Make the folder; FileExistsError where there is one with something in it."""
        self._config, self._folder = config, folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty; allowed: a new folder for the pictures")
        self.kept: set[str] = set()
        """The incidents that have a picture."""

    def keep(self, incident: Incident, jpeg: bytes) -> None:
        """Keep the picture that ``incident`` opened with."""
        image = np.asarray(simplejpeg.decode_jpeg(jpeg, colorspace="BGR"), dtype=np.uint8)
        people = seen_at(incident.members, incident.camera, incident.opened_at)
        boxes = [{"xyxyn": p.xyxyn, "label": p.label, "confidence": p.confidence} for p in people]
        zone = self._config.cameras[incident.camera].zones.get(incident.zone)
        self._write(incident, annotate(image, boxes, zone.polygon if zone else ()))

    def copy(self, incident: Incident, session: Session, had: Iterable[str], evidence_dir: Path) -> None:
        """Keep the evidence of one of the store's incidents ``had`` that this one is, if there is any."""
        query = select(EvidenceRow).where(EvidenceRow.incident_id.in_(list(had)), EvidenceRow.state == "kept")
        rows = sorted(session.scalars(query), key=lambda row: abs(row.captured_at - incident.opened_at))
        files = [file for row in rows if (file := evidence_dir / row.annotated).is_file()]
        if files:
            self._write(incident, files[0].read_bytes())

    def _write(self, incident: Incident, jpeg: bytes) -> None:
        at = incident.opened_at.astimezone(self._config.community.zone)
        name = f"{at:%Y%m%d-%H%M%S}-{incident.rule}-{incident.place}-{incident.id[:8]}.jpg"
        with os.fdopen(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(jpeg)
        self.kept.add(incident.id)
