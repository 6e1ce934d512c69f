"""Rules and zones changed, and a camera switched off, in real processes while pictures flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.store.schema import CameraStateRow
from tests.e2e.installation import WHOLE, Installation, Outside, from_file, metric, ready, until
from tests.support.api import Client
from tests.support.configs import SECRETS

pytestmark = pytest.mark.e2e

CORNER = [[0.0, 0.0], [0.02, 0.0], [0.02, 0.02]]


def test_a_zone_drawn_around_people_and_a_camera_switched_off(
    tmp_path: Path, outside: Outside, video: Path
) -> None:
    with Installation(tmp_path, outside, from_file(video), CORNER) as site:
        until("the installation", lambda: ready(site))
        until("pictures", lambda: metric(site, 'lianfang_camera_online{camera="cam"}') == 1)
        client = Client(site.port)
        assert client.login("operator", SECRETS["TEST_PASSWORD"]).status == 200
        assert site.incidents() == []
        zone = {"polygon": WHOLE, "speakers": ["horn"], "kind": "bank"}
        body = {"stanza": zone, "reason": "河边", "based_on": 0}
        assert client.request("PUT", "/api/zones/cam/water", body).status == 200
        (incident,) = until("an incident of who was there", site.incidents)
        settings = client.get("/api/settings").json
        assert incident.opened_at.isoformat() >= settings["versions"][0]["since"].replace("Z", "+00:00")
        until("the speaker to have spoken", outside.speaker.played)

        def state() -> CameraStateRow:
            return site.rows(CameraStateRow)[0]

        assert client.request("PUT", "/api/cameras/cam/off", {"reason": "检修"}).status == 200
        until("the end of the pictures", lambda: state().reason == "switched_off")
        until("the end of the incident", lambda: site.incidents()[0].ended_at)
        site.kill("ingest")
        site.kill("alerts")
        until("the installation again", lambda: ready(site))
        site.child("ingest")
        until("it says so again", lambda: metric(site, 'lianfang_camera_online{camera="cam"}') == 0)
        assert client.get("/api/cameras").json[0]["condition"] == "disabled"
        assert state().condition == "offline"
        assert client.request("PUT", "/api/cameras/cam/on", {"reason": "好了"}).status == 200
        until("pictures again", lambda: state().condition == "online")
        until("an incident again", lambda: len(site.incidents()) == 2)
        assert site.stop() == 0
