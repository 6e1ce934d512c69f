"""``lianfang crops``: what operators said of riders, as heads that ``lianfang train helmet`` learns from.

Of each incident of a rule ``helmet`` that people handled or closed, or called a false alarm, the picture is
looked at again, and the heads that it was about are cut out: into bare/ or worn/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from alerts.incidents.model import State
from alerts.store import Store, open_store
from alerts.store.schema import EvidenceRow, IncidentRow
from detectors.engines import onnx
from detectors.evaluation.helmet import INPUT_SIZE, Chain
from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head, crop
from detectors.helmets.locator import HeadLocator
from detectors.helmets.weights import HEAD, LOCATOR
from detectors.models.boxes import iou
from detectors.training.samples import read_picture
from lianfang.config import Config, load
from lianfang.config.guests import PREFIX
from lianfang.errors import LianfangError

_SAID = {State.HANDLED: "bare", State.CLOSED: "bare", State.FALSE_ALARM: "worn"}
_SAME = 0.5  # overlap from which a box found again is the one that the incident was about
_QUALITY = 95


@dataclass(frozen=True)
class Asked:
    """A picture of an incident, the boxes that it was about (corners, 0-1), and what was said of them."""

    incident: str
    picture: Path
    boxes: tuple[tuple[float, float, float, float], ...]
    said: str


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where there was nothing to cut out, or 2 where something is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        config = load(arguments.config)
        store = open_store(config)
        try:
            answered = list(asked(config, store))
        finally:
            store.close()
        models = config.models_dir
        engine = onnx.build(onnx.Config(input_size=INPUT_SIZE), models)
        chain = Chain(engine, HeadLocator(*LOCATOR.in_use(models)), HeadClassifier(*HEAD.in_use(models)))
        counts = cut_out(answered, chain, arguments.out)
    except (LianfangError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    told = ", ".join(f"{count} {said}" for said, count in counts.items())
    sys.stdout.write(f"{told}, of {len(answered)} pictures: {arguments.out}\n")
    return 0 if sum(counts.values()) else 1


def asked(config: Config, store: Store) -> Iterator[Asked]:
    """Yield the pictures of which people said whether a head was bare, the oldest first.

    Rules that ask for anything but bare heads are left out, and pictures that are not there any more.
    """
    rules = [name for name, rule in config.rules.items() if _accuses(rule)]
    query = (
        select(EvidenceRow, IncidentRow.state)
        .join(IncidentRow, IncidentRow.id == EvidenceRow.incident_id)
        .where(IncidentRow.rule.in_(rules), IncidentRow.state.in_(_SAID), EvidenceRow.state == "kept")
        .where(~EvidenceRow.camera.startswith(PREFIX, autoescape=True))  # owners have agreed to no such use
        .order_by(EvidenceRow.captured_at, EvidenceRow.id)
    )
    with store.read() as session:
        rows = session.execute(query).all()
    for row, state in rows:
        picture = config.evidence_folder / row.original
        boxes = tuple(tuple(map(float, box["xyxyn"])) for box in row.boxes)
        if row.original and picture.exists():
            yield Asked(row.incident_id, picture, boxes, _SAID[State(state)])  # type: ignore[arg-type]


def _accuses(rule: Any) -> bool:  # noqa: ANN401 - a stanza of any plug-in
    return rule.kind == "helmet" and dict(rule.having) == {"helmet": ("bare",)}


def cut_out(answered: Sequence[Asked], chain: Chain, folder: Path) -> dict[str, int]:
    """Write the heads of ``answered`` into folders below ``folder`` and return how many of each there are.

    Only their owner may read them. Heads that are not found again, or cannot be judged, are left out.
    """
    counts = dict.fromkeys(sorted(set(_SAID.values())), 0)
    for said in counts:
        (folder / said).mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in answered:
        image = read_picture(one.picture)
        for head in _heads(image, one, chain):
            counts[one.said] += 1
            path = folder / one.said / f"{one.incident}_{counts[one.said]}.jpg"
            path.touch(mode=0o600)
            jpeg = cv2.imencode(".jpg", crop(image, head), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
            path.write_bytes(jpeg.tobytes())
    return counts


def _heads(image_bgr: NDArray[np.uint8], one: Asked, chain: Chain) -> Iterator[Head]:
    found, looks = chain.look(image_bgr)
    about = np.array(one.boxes, np.float32).reshape(-1, 4)
    for i, look in sorted(looks.items()):
        overlap = iou(np.array([found[i].xyxyn], np.float32), about)
        if look.bare is not None and overlap.max(initial=0) >= _SAME:
            yield look.head


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianfang crops", description="Cut out the heads of riders of whom people said what they wear."
    )
    parser.add_argument("config", type=Path, help="configuration file (YAML)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", required=True, help="bare/ and worn/ are made there"
    )
    return parser
