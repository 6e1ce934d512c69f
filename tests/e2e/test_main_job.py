"""The main job over real processes: a camera, a detector, alerts, a speaker and a police platform."""

from __future__ import annotations

import base64
import json
import random
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
import simplejpeg

from alerts.incidents.model import ChangeKind
from alerts.store.schema import CameraStateRow, ChangeRow, EvidenceRow, OutboxRow
from tests.e2e.installation import (
    Installation,
    Outside,
    from_file,
    metric,
    nothing_lost_or_doubled,
    ready,
    until,
)
from tests.support.configs import SECRETS
from tests.support.rtsp_server import Login, RtspServer, require_rtsp
from tests.truth.labels import load

pytestmark = pytest.mark.e2e

HOPS = ("captured_to_published", "published_to_detected", "detected_to_decided", "decided_to_delivered")


def bank() -> list[list[float]]:
    return [list(corner) for corner in load().zone.polygon]


def test_a_person_at_the_bank_is_spoken_to_and_reported_with_a_picture(
    tmp_path: Path, outside: Outside, video: Path
) -> None:
    require_rtsp()
    with (
        RtspServer(video) as camera,
        Installation(tmp_path, outside, {"kind": "rtsp", "url": camera.url}, bank()) as site,
    ):
        opened = until("a notice at the police", lambda: outside.police.received)[0]
        until("the speaker to have spoken", outside.speaker.played)
        until("everything delivered", lambda: site.incidents() and not site.owed())
        # Several people walk through within the joining time: it stays one incident, spoken to once.
        time.sleep(10)
        incidents = site.incidents()
        evidence = site.rows(EvidenceRow)
        hops = {hop: metric(site, f'lianfang_hop_seconds_count{{hop="{hop}"}}') for hop in HOPS}
        online = metric(site, 'lianfang_camera_online{camera="cam"}')
        assert site.stop() == 0
    (incident,) = incidents
    assert outside.speaker.played() == ["请离开东岸"]

    # What the police got: verified by the simulator (signature, time stamp, schema), about this incident.
    notice = opened.notice
    assert outside.police.refused == []
    assert (notice.number, notice.mode, notice.change) == (incident.id, "drill", "opened")
    assert (notice.place.point_name, notice.place.device_code) == ("东岸", "44200000001320000001")
    assert (notice.place.longitude, notice.place.latitude, notice.place.datum) == (113.2, 22.6, "wgs84")
    assert notice.duty_contact is not None

    # The pictures: the frame that decided as the camera sent it, and the copy with what was seen drawn on it.
    (kept,) = evidence
    assert kept.state == "kept"
    pictures = {p.kind: base64.b64decode(p.data_base64) for p in notice.pictures}
    original = simplejpeg.decode_jpeg(pictures["original"])
    annotated = simplejpeg.decode_jpeg(pictures["annotated"])
    assert original.shape == annotated.shape == (576, 768, 3)
    assert pictures["original"] == (tmp_path / "data" / "evidence" / kept.original).read_bytes()
    x1, y1, _, y2 = kept.boxes[0]["xyxyn"]
    edge = annotated[round(y1 * 576) : round(y2 * 576), round(x1 * 768)].astype(int)
    assert (edge[:, 0] > 180).mean() > 0.8, "a red box where the person is"
    assert abs(annotated[:100].astype(int) - original[:100]).mean() < 4, "and nothing drawn elsewhere"

    # Each hop was timed, in whichever process it happened.
    assert all(hops.values()), hops
    assert online == 1


def test_a_detector_killed_while_somebody_stands_there_keeps_one_incident(
    tmp_path: Path, outside: Outside, video: Path
) -> None:
    # The whole picture is the zone: it always has somebody in it.
    with Installation(tmp_path, outside, from_file(video), join_s=5) as site:
        until("an incident", site.incidents)
        for _ in range(3):
            site.kill("detect")
            _observes(site)
        time.sleep(3)
        kinds = Counter(row.kind for row in site.rows(ChangeRow))
        (incident,) = site.incidents()
    assert incident.occupied
    assert kinds["opened"] == 1
    assert kinds["cleared"] == kinds["returned"] == 0
    assert outside.speaker.played() == ["请离开东岸"]


def test_the_core_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, outside: Outside, video: Path
) -> None:
    # Short joining: the 79 s of video give a new incident every few seconds.
    rng = random.Random(7)  # noqa: S311 - to replay it
    with Installation(tmp_path, outside, from_file(video), bank(), join_s=0, cleared_after=1) as site:
        until("a first incident", site.incidents)
        for _ in range(5):
            site.kill("alerts")
            until("the API", lambda: ready(site))
            time.sleep(rng.uniform(0.2, 5))
        until("three incidents", lambda: len(site.incidents()) >= 3)
        until("everything delivered", lambda: not site.owed())
        site.stop()
    nothing_lost_or_doubled(site, outside)
    notices = [row for row in site.rows(OutboxRow) if row.kind == "notice"]
    assert sum(row.state == "delivered" for row in notices) >= 3


def test_live_notices_wait_for_a_person(tmp_path: Path, outside: Outside, video: Path) -> None:
    live = [{"receiver": "police", "mode": "live"}]
    site = Installation(tmp_path, outside, from_file(video), notify=live)
    site.config["receivers"]["police"]["receipts"] = {"secrets": [{"env": "TEST_SECRET"}]}
    receipts = f"http://127.0.0.1:{site.port}/api/receivers/police/receipts"
    outside.police.answers = receipts, SECRETS["TEST_SECRET"]
    with site:
        (incident,) = until("an incident", site.incidents)
        until("the speaker to have spoken", outside.speaker.played)
        assert outside.police.received == []
        until("the API, which speakers do not wait for", lambda: ready(site))
        cookie = _login(site)
        _post(site, f"/api/incidents/{incident.id}/confirm", {"note": "看到一名儿童"}, cookie)
        received = until("the notice", lambda: outside.police.received)[0]
        heard = until("the police to say that they have it", lambda: _receipts(site))[0]
    assert (heard.incident_id, heard.data["step"]) == (incident.id, "received")
    assert received.notice.mode == "live"
    assert received.notice.confirmed_by == "operator"
    assert received.notice.confirmed_at is not None
    assert outside.police.refused == []


def test_no_process_of_the_tree_shows_a_password(tmp_path: Path, outside: Outside) -> None:
    require_rtsp()
    with RtspServer(login=Login("viewer", "right-one")) as camera:
        wrong = {"kind": "rtsp", "url": camera.url_with("viewer", "wr0ng@pass")}
        with Installation(tmp_path, outside, wrong) as site:
            until("the camera to be said offline", lambda: _camera(site) == "offline")
            reason = _camera_reason(site)
            site.stop()
    assert reason == "unauthorized"
    assert "wr0ng" not in site.log.read_text(encoding="utf-8")
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert b"wr0ng" not in file.read_bytes(), file


def _receipts(site: Installation) -> list[ChangeRow]:
    return [row for row in site.rows(ChangeRow) if row.kind == ChangeKind.RECEIPT]


def _observes(site: Installation) -> None:
    """Return after five more observations than now."""

    def observed() -> float:
        return metric(site, 'lianfang_observations_total{camera="cam"}') or 0

    before = observed()
    until("new observations", lambda: observed() > before + 5)


def _login(site: Installation) -> str:
    request = _request(site, "/api/login", {"operator": "operator", "password": "operator-password"}, "")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        cookie: str = answer.headers["Set-Cookie"].partition(";")[0]
    return cookie


def _post(site: Installation, path: str, body: dict[str, object], cookie: str) -> None:
    with urllib.request.urlopen(_request(site, path, body, cookie), timeout=10):  # noqa: S310
        pass


def _request(site: Installation, path: str, body: dict[str, object], cookie: str) -> urllib.request.Request:
    return urllib.request.Request(
        f"http://127.0.0.1:{site.port}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-Requested-With": "lianfang", "Cookie": cookie},
    )


def _camera(site: Installation) -> str:
    return next((row.condition for row in site.rows(CameraStateRow)), "")


def _camera_reason(site: Installation) -> str:
    return next((row.reason for row in site.rows(CameraStateRow)), "")
