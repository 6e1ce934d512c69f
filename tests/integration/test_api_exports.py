"""Exports of incidents over HTTP: a reason, a second person, a watermark, a record, an end."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from alerts.deadlines import Deadlines
from alerts.store import Store
from lianfang.clock import ManualClock
from lianfang.config import Secret
from lianfang.config.api import Operator
from tests.support.api import HASHER, PASSWORD, START, Client, Data, Site, config, serving
from tests.support.video import write_pictures


@dataclass
class Desk:
    """A site with two operators and a worker, logged in."""

    site: Site
    clock: ManualClock
    duty: Client
    second: Client
    worker: Client
    incident: str

    def ask(self, reason: str = "派出所调取") -> Data:
        return self.duty.post(f"/api/incidents/{self.incident}/exports", {"reason": reason}).json

    def told(self) -> list[tuple[str, str]]:
        timeline = self.duty.get(f"/api/incidents/{self.incident}").json["timeline"]
        return [(c["kind"], c["actor"]) for c in timeline if c["kind"].startswith("export")]


@pytest.fixture
def alone() -> bool:
    return False


@pytest.fixture
def desk(tmp_path: Path, alone: bool) -> Iterator[Desk]:
    store, clock = Store(f"sqlite:///{tmp_path}/store.db"), ManualClock(START)
    known = config(tmp_path, export_approval=not alone, session_hours=72)
    (tmp_path / "second").write_text(HASHER.hash(PASSWORD))
    other = Operator(name="李强", password_hash=Secret(file=tmp_path / "second"))
    known = known.model_copy(
        update={"api": known.api.model_copy(update={"operators": known.api.operators | {"second": other}})}
    )
    site = Site(known, store, clock=clock)
    incident = site.open_incident(1)
    picture = simplejpeg.encode_jpeg(np.full((90, 160, 3), 90, np.uint8), colorspace="BGR")
    site.picture(incident, picture, picture)
    site.say(incident, "=1+1 请离开", "finished")
    with serving(site.app()) as port:
        duty, second, worker = (Client(port) for _ in range(3))
        for client, name in ((duty, "duty"), (second, "second"), (worker, "walker")):
            client.login(name)
        yield Desk(site, clock, duty, second, worker, incident)
    store.close()


def pictures_of(film: bytes, file: Path) -> list[tuple[float, NDArray[Any]]]:
    """Return when each picture of an MP4 is shown, in seconds, and the picture (H × W, grey)."""
    file.write_bytes(film)
    with av.open(str(file)) as container:
        return [(float(f.time or 0), f.to_ndarray(format="gray")) for f in container.decode(video=0)]


def test_a_second_person_approves_and_the_file_says_who_when_and_why(desk: Desk, tmp_path: Path) -> None:
    grey = write_pictures(tmp_path / "film.mp4", iter([np.full((90, 160, 3), 90, np.uint8)] * 10), fps=5)
    desk.site.clip(desk.incident, grey.read_bytes())
    asked = desk.ask()
    assert (asked["state"], asked["may_decide"], asked["url"]) == ("waiting", False, None)
    fetched = f"/api/exports/{asked['id']}.zip"
    decision = f"/api/exports/{asked['id']}/decision"
    assert desk.duty.get(fetched).json["code"] == "not_allowed"
    assert desk.duty.post(decision, {"approve": True}).json["code"] == "not_yours"
    assert desk.worker.post(decision, {"approve": True}).json["code"] == "not_yours"
    (waiting,) = desk.second.get("/api/exports").json
    assert waiting["may_decide"]
    assert desk.second.post(decision, {"approve": True, "reason": "已核对公函"}).json["state"] == "approved"
    assert desk.second.get(fetched).json["code"] == "not_yours"
    (mine,) = desk.duty.get(f"/api/incidents/{desk.incident}/exports").json
    assert mine["url"] == fetched

    reply = desk.duty.get(fetched)
    assert reply.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    said = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert said == {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != "SHA256SUMS"}
    height, width, *_ = simplejpeg.decode_jpeg_header(files["pictures/01-original.jpg"])
    assert width == 160
    assert height > 90  # the bar with who, when and why
    above = simplejpeg.decode_jpeg(files["pictures/01-original.jpg"])[:90]
    assert above.std() > 5  # and across the picture, which was of one grey
    shown = pictures_of(files["clip.mp4"], tmp_path / "fetched.mp4")
    kept = pictures_of((tmp_path / "film.mp4").read_bytes(), tmp_path / "again.mp4")
    assert [at for at, _ in shown] == pytest.approx([at for at, _ in kept])
    for (_, image), (_, before) in zip(shown, kept, strict=True):
        assert image.shape[0] > before.shape[0]  # the bar
        assert image[: before.shape[0]].std() > 5  # what was of one grey
    (clip,) = (
        row
        for row in csv.reader(io.StringIO(files["pictures.csv"].decode("utf-8-sig")))
        if row[0] == "clip.mp4"
    )
    assert clip[3] == hashlib.sha256((tmp_path / "film.mp4").read_bytes()).hexdigest()
    report = files["report.html"].decode()
    for text in ("导出人 王芳 · 批准人 李强", "2026-07-01 16:00:00", "原因：派出所调取", "=1+1 请离开"):
        assert text in report
    rows = list(csv.reader(io.StringIO(files["deliveries.csv"].decode("utf-8-sig"))))
    assert rows[1][3] == "'=1+1 请离开"  # no formula
    assert desk.told() == [("export_asked", "duty"), ("export_approved", "second"), ("exported", "duty")]


def test_what_nobody_approves_ends_after_a_day_and_what_is_approved_as_well(desk: Desk) -> None:
    asked = desk.ask()
    assert desk.duty.post(f"/api/incidents/{desk.incident}/exports", {"reason": "again"}).status == 409
    desk.clock.advance_to(desk.clock.now() + timedelta(hours=24))
    decision = desk.second.post(f"/api/exports/{asked['id']}/decision", {"approve": True})
    assert decision.json["code"] == "not_allowed"
    looking = Deadlines(desk.site.store, lambda: desk.site.config, desk.clock, CollectorRegistry())
    looking.turn()
    looking.turn()
    assert desk.told() == [("export_asked", "duty"), ("export_ended", "system")]
    again = desk.ask()
    desk.second.post(f"/api/exports/{again['id']}/decision", {"approve": True})
    desk.clock.advance_to(desk.clock.now() + timedelta(hours=24))
    assert desk.duty.get(f"/api/exports/{again['id']}.zip").json["code"] == "not_allowed"


@pytest.mark.parametrize("alone", [True])
@pytest.mark.parametrize("film", [b"no film", None])
def test_a_clip_that_cannot_be_read_is_named_and_hides_nothing_else(desk: Desk, film: bytes | None) -> None:
    clip = desk.site.clip(desk.incident, film or b"")
    if film is None:
        (desk.site.evidence_dir / f"{clip}.mp4").unlink()
    reply = desk.duty.get(f"/api/exports/{desk.ask()['id']}.zip")
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert "clip.mp4" not in archive.namelist()
        assert "pictures/01-original.jpg" in archive.namelist()
        assert "clip.mp4: 无法读取" in archive.read("pictures.csv").decode("utf-8-sig")


def test_an_export_is_refused_or_taken_back_and_none_is_for_workers(desk: Desk) -> None:
    asked = desk.ask()
    assert (
        desk.duty.post(f"/api/exports/{asked['id']}/decision", {"approve": False}).json["state"] == "refused"
    )
    assert desk.worker.post(f"/api/incidents/{desk.incident}/exports", {"reason": "x"}).status == 403
    assert desk.duty.post(f"/api/incidents/{desk.incident}/exports", {"reason": " "}).status == 422
    assert desk.duty.post("/api/incidents/none/exports", {"reason": "x"}).json["code"] == "no_export"
    assert desk.duty.get("/api/exports/none.zip").json["code"] == "no_export"


@pytest.mark.parametrize("alone", [True])
def test_whoever_works_alone_needs_nobody(desk: Desk) -> None:
    asked = desk.ask()
    assert asked["state"] == "approved"
    assert desk.duty.get(asked["url"]).status == 200
    assert desk.told() == [("export_asked", "duty"), ("exported", "duty")]


def test_incidents_are_found_by_time_rule_place_state_and_text(desk: Desk) -> None:
    site = desk.site
    gate = site.open_incident(2, START + timedelta(hours=1), rule="gate", point="gate", camera="gate_cam")
    closed = site.open_incident(3, START + timedelta(hours=2), state="closed", subject="粤T12345")
    hour = "2026-07-01T09:00:00Z"
    for query, found in {
        f"since={hour}": [closed, gate],
        f"until={hour}": [desk.incident],
        "rule=gate&rule=fault": [gate],
        "point=lake": [closed, desk.incident],
        "state=closed&state=handled": [closed],
        "open=true&rule=river": [desk.incident],
        "text=%E5%8C%97%E9%97%A8": [gate],  # 北门, the name of the point
        "text=t123": [closed],
        f"text={gate[:8]}": [gate],
        "text=%25": [],  # no wildcard
    }.items():
        page = desk.duty.get(f"/api/incidents?{query}").json
        assert [i["id"] for i in page["incidents"]] == found, query
    first = desk.duty.get("/api/incidents?point=lake&limit=1").json
    second = desk.duty.get(f"/api/incidents?point=lake&limit=1&before={first['next']}").json
    assert [i["id"] for p in (first, second) for i in p["incidents"]] == [closed, desk.incident]
    assert second["next"] is None
    desk.duty.post(f"/api/incidents/{gate}/false-alarm", {"note": "是保洁员"})
    assert [i["id"] for i in desk.duty.get("/api/incidents?text=%E4%BF%9D%E6%B4%81").json["incidents"]] == [
        gate
    ]
    assert desk.duty.get("/api/incidents?state=nonsense").status == 422
