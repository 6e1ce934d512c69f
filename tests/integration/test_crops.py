"""Heads that operators spoke of, cut out of the pictures of incidents, and learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alerts.store import Store
from alerts.store.schema import EvidenceRow, IncidentRow
from deploy.crops import asked, cut_out, main
from detectors.evaluation.helmet import Chain
from detectors.helmets.heads import CROP_PX, Head
from detectors.training.samples import BARE, WORN, of_crops, read_picture
from lianfang.config import Config
from tests.support.configs import changed, loaded, write
from tests.support.observations import at
from tests.unit.detectors import helmets
from tests.unit.detectors.test_helmet_evaluation import Scripted

HELMETS: tuple[tuple[str, Any], ...] = (
    ("detectors.objects.labels", ["person", "bicycle", "motorcycle"]),
    ("detectors.heads", {"kind": "helmet"}),
    ("cameras.cam.detectors", ["objects", "heads"]),
    ("rules.heads", {"kind": "helmet", "name": "头盔", "cameras": ["cam"], "zones": ["water"]}),
    (
        "rules.worn",
        {
            "kind": "helmet",
            "name": "戴",
            "cameras": ["cam"],
            "zones": ["water"],
            "having": {"helmet": ["worn"]},
        },
    ),
)
RIDER, ELSEWHERE = [0.40, 0.30, 0.46, 0.60], [0.80, 0.30, 0.86, 0.60]
HEAD = Head(430, 200, 36)


def incident(config: Config, name: str, said: str, rule: str = "heads", **picture: object) -> None:
    """Let the store have an incident of a rider at 430, 200, with its picture."""
    image = np.full((600, 1000, 3), 250, np.uint8)
    image[::6] = 5
    config.evidence_folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(config.evidence_folder / f"{name}.jpg"), image)
    row: dict[str, Any] = dict.fromkeys(("place", "point"), "bank") | {"camera": "cam", "zone": "water"}
    row |= {"severity": "high", "occupied": False, "unseen": False, "version": 1, "people": 1}
    row |= {"members_total": 1, "members": [], "settings_version": "v", "rule": rule, "state": said}
    row |= dict.fromkeys(("opened_at", "updated_at", "last_seen_at"), at(1))
    kept: dict[str, Any] = {"state": "kept", "camera": "cam", "zone": "water", "original": f"{name}.jpg"}
    kept |= {"captured_at": at(1), "decided_at": at(1), "reference": {}, "boxes": [{"xyxyn": RIDER}]}
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    with store.write() as session:
        session.add(IncidentRow(id=name, **row))
        session.flush()
        session.add(EvidenceRow(id=name, incident_id=name, **(kept | picture)))
    store.close()


def answered(config: Config) -> dict[str, str]:
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    try:
        return {one.incident: one.said for one in asked(config, store)}
    finally:
        store.close()


def test_only_what_people_said_of_bare_heads_is_asked_for(tmp_path: Path) -> None:
    config = loaded(tmp_path, *HELMETS)
    for state in ("handled", "closed", "false_alarm", "new", "cleared", "permitted"):
        incident(config, state, state)
    incident(config, "another_rule", "closed", "entry")
    incident(config, "worn", "closed", "worn")
    incident(config, "missing", "closed", state="missing")
    incident(config, "gone", "closed", original="nothing.jpg")
    assert answered(config) == {"handled": "bare", "closed": "bare", "false_alarm": "worn"}


def test_heads_are_cut_out_and_can_be_learned_from(tmp_path: Path) -> None:
    config = loaded(tmp_path, *HELMETS)
    incident(config, "a", "closed")
    incident(config, "b", "false_alarm")
    incident(config, "c", "closed", boxes=[{"xyxyn": ELSEWHERE}])
    incident(config, "d", "closed", boxes=[])
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    chain = Chain(Scripted(), helmets.Heads(HEAD), helmets.classifier())
    out = tmp_path / "crops"
    assert cut_out(list(asked(config, store)), chain, out) == {"bare": 1, "worn": 1}
    store.close()
    files = sorted(path for path in out.rglob("*") if path.is_file())
    assert [str(path.relative_to(out)) for path in files] == ["bare/a_1.jpg", "worn/b_1.jpg"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert read_picture(files[0]).shape == (CROP_PX, CROP_PX, 3)
    assert {(sample.label, sample.group) for sample in of_crops(out)} == {(BARE, "a"), (WORN, "b")}


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = loaded(tmp_path, *HELMETS)
    incident(config, "a", "closed")
    file = write(tmp_path, changed(*HELMETS))
    code = main([str(file), "--out", str(tmp_path / "crops")])
    told = capsys.readouterr()
    if "not installed" in told.err:
        pytest.skip(told.err)
    assert (code, told.out) == (1, f"0 bare, 0 worn, of 1 pictures: {tmp_path / 'crops'}\n")
    assert main([str(tmp_path / "nothing.yaml"), "--out", str(tmp_path)]) == 2
    assert "nothing.yaml" in capsys.readouterr().err
