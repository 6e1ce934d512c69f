"""Clips by the API: played, wound, and said to be missing."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts.channels.base import ChannelConfig
from alerts.links import CLIP, PictureLinks
from alerts.notice_settings import PictureNoticeConfig
from alerts.store import Store
from alerts.store.clips import ClipRow
from lianfang.config import Secret
from tests.support.api import START, Client, Site, config, serving

FILM = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def test_a_clip_stands_with_its_incident(site: Site, client: Client) -> None:
    incident = site.open_incident(1)
    assert client.get(f"/api/incidents/{incident}").json["clip"] is None
    gap = {"since": "2026-07-01T08:00:05+00:00", "until": "2026-07-01T08:00:20+00:00"}
    clip = site.clip(incident, FILM, reason="camera_lost", gaps=[gap])
    shown = client.get(f"/api/incidents/{incident}").json
    assert shown["clip"] == {
        "id": clip,
        "state": "kept",
        "reason": "camera_lost",
        "camera": "lake_north",
        "since": "2026-07-01T07:59:50Z",
        "until": "2026-07-01T08:00:20Z",
        "begins_at": "2026-07-01T07:59:50Z",
        "ends_at": "2026-07-01T08:00:20Z",
        "gaps": [{"since": "2026-07-01T08:00:05Z", "until": "2026-07-01T08:00:20Z"}],
        "frames": 151,
        "size_bytes": len(FILM),
        "sha256": shown["clip"]["sha256"],
        "url": f"/api/clips/{clip}.mp4",
    }
    assert shown["timeline"][-1]["kind"] == "clip"
    whole = client.get(shown["clip"]["url"])
    assert (whole.status, whole.body) == (HTTPStatus.OK, FILM)
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=255900-", 255_900, 256_000),
        ("bytes=-10", 255_990, 256_000),
        ("bytes=255900-999999", 255_900, 256_000),
    ],
)
def test_a_player_may_ask_for_a_part(site: Site, client: Client, asked: str, begin: int, end: int) -> None:
    clip = site.clip(site.open_incident(1), FILM)
    # A browser that takes compressed answers gets this one as it is: its places are those of the file.
    part = client.get(f"/api/clips/{clip}.mp4", {"Range": asked, "Accept-Encoding": "gzip"})
    assert (part.status, part.body) == (HTTPStatus.PARTIAL_CONTENT, FILM[begin:end])
    assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(FILM)}"


def test_what_is_beyond_its_end_is_refused(site: Site, client: Client) -> None:
    clip = site.clip(site.open_incident(1), FILM)
    reply = client.get(f"/api/clips/{clip}.mp4", {"Range": "bytes=256000-"})
    assert reply.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@pytest.mark.parametrize(
    ("state", "reason"), [("pending", ""), ("missing", "no_frames"), ("missing", "dropped")]
)
def test_a_clip_that_is_missing_is_said_to_be(site: Site, client: Client, state: str, reason: str) -> None:
    incident = site.open_incident(1)
    clip = site.clip(incident, state=state, reason=reason, file="", begins_at=None, ends_at=None)
    shown = client.get(f"/api/incidents/{incident}").json["clip"]
    assert (shown["state"], shown["reason"], shown["url"]) == (state, reason, None)
    reply = client.get(f"/api/clips/{clip}.mp4")
    assert (reply.status, reply.json["code"]) == (HTTPStatus.NOT_FOUND, f"clip_{state}")
    assert client.get("/api/clips/none.mp4").json["code"] == "no_clip"


@pytest.mark.parametrize("name", ["../secret.mp4", "link.mp4", "", "gone.mp4"])
def test_nothing_outside_the_evidence_folder_is_played(site: Site, client: Client, name: str) -> None:
    clip = site.clip(site.open_incident(1), FILM)
    secret = site.evidence_dir.parent / "secret.mp4"
    secret.write_bytes(b"secret")
    link: Path = site.evidence_dir / "link.mp4"
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    with site.store.write() as session:
        session.get_one(ClipRow, clip).file = name
    assert client.get(f"/api/clips/{clip}.mp4").status == HTTPStatus.NOT_FOUND


def test_nobody_sees_it_without_a_login_but_by_its_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_LINKS", "key")
    links = PictureLinks(base_url="http://us", secret=Secret(env="TEST_LINKS"))
    known = {"police": PictureNoticeConfig(picture_links=links), "grid_app": ChannelConfig()}
    there = Site(site.config.model_copy(update={"receivers": known}), site.store)
    incident = there.open_incident(1)
    clip, evidence = there.clip(incident, FILM), there.picture(incident, b"original")
    path = links.link(clip, CLIP, there.clock.now())[0].removeprefix("http://us")
    picture = links.link(evidence, "original", there.clock.now())[0].removeprefix("http://us")
    old = links.link(clip, CLIP, START.replace(year=2020))[0].removeprefix("http://us")
    with serving(there.app()) as port:
        anybody = Client(port)
        assert anybody.get(f"/api/clips/{clip}.mp4").status == HTTPStatus.UNAUTHORIZED
        shown = anybody.get(path, {"Range": "bytes=0-9"})
        assert (shown.status, shown.body) == (HTTPStatus.PARTIAL_CONTENT, FILM[:10])
        assert shown.headers["Cache-Control"] == "private, no-store"
        for wrong in (old, path.replace(clip, evidence), picture.replace("original.jpg", "clip.mp4")):
            assert anybody.get(wrong).status == HTTPStatus.NOT_FOUND
        assert anybody.get(path.partition("?")[0]).status == HTTPStatus.UNPROCESSABLE_ENTITY
