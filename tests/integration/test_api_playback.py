"""Where the recorder of a camera plays a time back, through the API."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts.store import Store
from ingest.sources.nvr import Config as Recorder
from tests.support.api import Client, Site, config, serving

_PATH = "/api/cameras/lake_north/playback?at=2026-07-01T23:59:30Z"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    plain = config(tmp_path)
    source = Recorder.model_validate(
        {"kind": "nvr", "make": "dahua", "host": "10.0.0.5", "channel": 3, "username": "admin"}
    )
    on_recorder = plain.cameras["lake_north"].model_copy(update={"source": source})
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(plain.model_copy(update={"cameras": {**plain.cameras, "lake_north": on_recorder}}), store)
    with serving(site.app(static=tmp_path)) as port:
        yield Client(port)
    store.close()


def test_the_recorder_plays_in_its_own_time_and_asks_for_a_login_itself(client: Client) -> None:
    assert client.get(_PATH).status == HTTPStatus.UNAUTHORIZED
    client.login()
    span = "starttime=2026_07_02_07_59_30&endtime=2026_07_02_08_00_00"
    said = client.get(f"{_PATH}&for_s=30").json
    assert said == {"url": f"rtsp://10.0.0.5:554/cam/playback?channel=3&{span}"}
    for path, status, code in (
        (_PATH.replace("lake_north", "lake_south"), HTTPStatus.NOT_FOUND, "no_recorder"),
        (_PATH.replace("lake_north", "nowhere"), HTTPStatus.NOT_FOUND, "no_camera"),
        (f"{_PATH}&for_s=0", HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),
        (_PATH.replace("Z", ""), HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),  # of no zone
    ):
        reply = client.get(path)
        assert (reply.status, reply.json["code"]) == (status, code), path
