"""Dispositions as a platform gives them, and a site whose gate goes by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.channels import gat1400
from alerts.rules import plate
from alerts.store import Store, dispositions
from alerts.store.dispositions import Wanted
from alerts.store.switches import LEAD
from deploy.simulators.gat1400 import DEVICE, USERNAME
from deploy.simulators.viid_asking import PLATFORM
from deploy.simulators.viid_asking import USERNAME as ASKING
from lianfang.config import Config
from tests.support.api import Site
from tests.support.configs import loaded
from tests.support.observations import at
from tests.support.viid import TOLLGATE

NUMBER, OTHER = "442000000000012026070108000000001", "442000000000012026070108000000002"
PLATE, LOOKS_LIKE = "粤T12345", "粤T1234S"


def library(port: int = 8121, url: str = "http://127.0.0.1:1", **changed: object) -> dict[str, Any]:
    """Return the stanza of a receiver that may ask something of us."""
    return {
        "kind": "gat1400",
        "base_url": url,
        "networks": ["127.0.0.0/8"],
        "device_code": DEVICE,
        "username": USERNAME,
        "password": {"env": "TEST_TOKEN"},
        "tollgates": {"cam": TOLLGATE},
        "answers": {
            "port": port,
            "device_code": PLATFORM,
            "username": ASKING,
            "password": {"env": "TEST_TOKEN"},
        },
        **changed,
    }


def gate(mode: str = "live", **keys: object) -> dict[str, Any]:
    """Return a rule that goes by the dispositions of ``library``."""
    return {
        "kind": "plate",
        "name": "布控车辆",
        "cameras": ["cam", "cam2"],
        "zones": ["water"],
        "report": "listed",
        "labels": ["car"],
        "dispositions": "library",
        "notify": [{"receiver": "library", "mode": mode}],
        **keys,
    }


def ordered_site(folder: Path, *changes: tuple[str, Any]) -> Config:
    """Return a site with that gate; ``cam2`` stands at no tollgate."""
    stage = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["car"]}
    return loaded(
        folder,
        ("detectors", {"objects": stage, "plates": {"kind": "plate"}}),
        ("cameras.cam.detectors", ["objects", "plates"]),
        ("cameras.cam2.detectors", ["objects", "plates"]),
        ("cameras.cam.device_code", "44200000001190000001"),
        ("cameras.cam2.device_code", "44200000001190000002"),
        ("receivers.library", library()),
        ("rules.entry", gate()),
        *changes,
    )


def wanted(**changed: object) -> Wanted:
    """Return what a platform asks for from second 0 to 3600."""
    usual: dict[str, object] = {
        "plate": PLATE,
        "title": "盗抢车辆",
        "reason": "协查",
        "organisation": "中山市公安局",
        "priority": 1,
        "tollgates": [],
        "begin_at": at(0),
        "end_at": at(3600),
        "address": "",
    }
    return Wanted(**usual | changed)  # type: ignore[arg-type]


def order(store: Store, seconds: float = 0, number: str = NUMBER, **changed: object) -> None:
    """Let it be ordered so that it is in force after ``seconds``."""
    with store.write() as session:
        dispositions.put(session, "library", number, wanted(**changed), _received(seconds))


def revoke(store: Store, seconds: float, number: str = NUMBER) -> None:
    """Let it be revoked so that it is over after ``seconds``."""
    with store.write() as session:
        assert dispositions.end(session, "library", number, "revoked", _received(seconds))


def _received(seconds: float) -> datetime:
    return at(seconds) - LEAD


def with_orders(site: Config) -> Config:
    """Return the site of the API's tests with a receiver that may order, and a rule that goes by it."""
    asked = gat1400.Config.model_validate(library(tollgates={}))
    rule = plate.Config.model_validate(gate(cameras=["gate_cam"], zones=["walk"]))
    changed = {"receivers": {**site.receivers, "library": asked}, "rules": {**site.rules, "wanted": rule}}
    return site.model_copy(update=changed)


def looked_for(site: Site, at: datetime, **told: object) -> str:
    """Commit an incident of a vehicle that is looked for, and return its id."""
    order = wanted(begin_at=at, end_at=at + timedelta(hours=1), **told)
    with site.store.write() as session:
        dispositions.put(session, "library", NUMBER, order, at - timedelta(minutes=1))
    return site.open_incident(
        1, at, rule="wanted", camera="gate_cam", point="gate", place="gate", zone="walk", subject=PLATE
    )
