"""Photographs of a case: a picture and nothing besides, by whoever deals with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from alerts.photos import MAX_BYTES, MAX_PHOTOS
from alerts.store import Store
from tests.support.api import Client, Reply, Site, config, serving

RED = np.full((600, 2400, 3), (0, 0, 255), dtype=np.uint8)
WHERE = b"GPS 22.5N 113.3E"


def jpeg(image: np.ndarray = RED) -> bytes:
    """Return a JPEG that says where it was taken, and that it lies on its side."""
    data = cv2.imencode(".jpg", image)[1].tobytes()
    # One entry of EXIF: orientation 6, turned by a quarter; the place stands behind it.
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    exif = b"Exif\x00\x00" + tiff + WHERE
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + data[2:]


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def send(client: Client, incident: str, data: bytes) -> Reply:
    return client.send("POST", f"/api/incidents/{incident}/photos", data, "image/jpeg")


def test_it_is_kept_upright_and_without_where_it_was_taken(site: Site, client: Client) -> None:
    incident = site.open_incident(1, state="handled")
    assert WHERE in jpeg()
    assert send(client, incident, jpeg()).status == 204
    shown = client.get(f"/api/incidents/{incident}").json
    (photo,) = shown["photos"]
    assert photo["by_name"] == "王芳"
    assert shown["timeline"][-1]["kind"] == "photographed"
    assert shown["picture"] is None, "it is no evidence of the detectors"
    kept = client.get(photo["url"])
    assert kept.headers["content-type"] == "image/jpeg"
    assert WHERE not in kept.body
    assert b"Exif" not in kept.body
    image = cv2.imdecode(np.frombuffer(kept.body, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (1920, 480, 3)
    assert client.get("/api/photos/none.jpg").status == 404


def test_a_png_is_taken_too(site: Site, client: Client) -> None:
    incident = site.open_incident(1, state="acknowledged")
    assert send(client, incident, cv2.imencode(".png", RED)[1].tobytes()).status == 204


HUGE = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00" * 3
REFUSED = [
    (b"GIF89a", 422, "no_picture"),
    (b"", 422, "no_picture"),
    (jpeg()[:3], 422, "no_picture"),
    (HUGE, 422, "no_picture"),
    (b"\x00" * (MAX_BYTES + 1), 413, "body_too_large"),
]


@pytest.mark.parametrize(("data", "status", "code"), REFUSED)
def test_what_is_no_picture_is_refused(
    site: Site, client: Client, data: bytes, status: int, code: str
) -> None:
    incident = site.open_incident(1, state="handled")
    reply = send(client, incident, data)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert client.get(f"/api/incidents/{incident}").json["photos"] == []


@pytest.mark.parametrize("state", ["new", "closed", "false_alarm"])
def test_only_a_case_that_somebody_deals_with_has_photographs(site: Site, client: Client, state: str) -> None:
    incident = site.open_incident(1, state=state)
    assert send(client, incident, jpeg()).json["code"] == "not_allowed"
    assert send(client, "none", jpeg()).json["code"] == "no_incident"


def test_there_are_not_too_many(site: Site, client: Client) -> None:
    incident = site.open_incident(1, state="handled")
    small = cv2.imencode(".png", RED[:8, :8])[1].tobytes()
    assert [send(client, incident, small).status for _ in range(MAX_PHOTOS)] == [204] * MAX_PHOTOS
    assert send(client, incident, small).json["code"] == "not_allowed"


def test_a_worker_photographs_what_is_theirs(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(config(tmp_path), store)
    with serving(site.app()) as port:
        client = Client(port)
        client.login("walker")
        mine = site.open_incident(1, state="dispatched", assignee="north")
        other = site.open_incident(2, state="dispatched", assignee="duty")
        assert send(client, mine, jpeg()).status == 204
        assert send(client, other, jpeg()).json["code"] == "not_yours"
    store.close()
