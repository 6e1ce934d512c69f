"""The plan that people upload: taken, placed and taken away, each with who and why."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import simplejpeg

from alerts import photos
from alerts.map.plan import Reference, corners
from alerts.store import Store
from alerts.store.plans import PlanImageRow, PlanRow, in_force
from lianfang.clock import Clock
from lianfang.config.map import Datum

_LONG_SIDE = 4096


@dataclass(frozen=True, slots=True)
class Said:
    """Who changes the plan, and why."""

    by: str
    reason: str


def upload(store: Store, clock: Clock, said: Said, data: bytes) -> None:
    """Take a JPEG or PNG as the plan; where it lies must be said anew. NoPicture of ``alerts.photos``."""
    jpeg = photos.encoded(data, _LONG_SIDE)
    height, width, *_ = simplejpeg.decode_jpeg_header(jpeg)
    digest = hashlib.sha256(jpeg).hexdigest()
    with store.write() as session:
        if session.get(PlanImageRow, digest) is None:
            session.add(PlanImageRow(sha256=digest, width=width, height=height, image=jpeg))
        session.add(_row(clock, said, digest))


def place(store: Store, clock: Clock, said: Said, references: Sequence[Reference], datum: Datum) -> None:
    """Say where the plan lies; BadPlan where that places it nowhere, LookupError without a plan."""
    with store.write() as session:
        found = in_force(session)
        if found is None:
            raise LookupError("there is no plan")
        _, image = found
        corners(image.width, image.height, references)
        session.add(_row(clock, said, image.sha256, references, datum))


def take_away(store: Store, clock: Clock, said: Said) -> None:
    """Draw no plan any more; LookupError without one."""
    with store.write() as session:
        if in_force(session) is None:
            raise LookupError("there is no plan")
        session.add(_row(clock, said, ""))


def _row(
    clock: Clock, said: Said, digest: str, references: Sequence[Reference] = (), datum: Datum = "wgs84"
) -> PlanRow:
    return PlanRow(
        sha256=digest,
        spots=[asdict(reference) for reference in references],
        datum=datum,
        by=said.by,
        at=clock.now(),
        reason=said.reason,
    )
