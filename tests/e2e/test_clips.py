"""Clips of real media through real processes: what was seen, in its order, whoever is killed meanwhile."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from alerts.clip.keeper import SPOOL
from alerts.payload import NoticeClip
from alerts.store.clips import ClipRow
from deploy.kafka import Broker
from tests.e2e.apart import Apart
from tests.e2e.installation import Installation, Outside, from_file, until
from tests.support.kafka import own_broker
from tests.support.video import Rgb, numbered, read_number, write_pictures

pytestmark = pytest.mark.e2e

BEFORE_S, AFTER_S = 4, 8


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with own_broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture(scope="module")
def numbered_video(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 20 s of the sample video in which every picture says which one it is."""

    def pictures() -> Iterator[Rgb]:
        with av.open(str(video), "r") as film:
            for number, picture in enumerate(islice(film.decode(video=0), 200)):
                image = np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
                stamp = -(image.shape[0] // 10)
                image[stamp:] = numbered(number, image.shape[1], image.shape[0])[stamp:]
                yield image

    return write_pictures(tmp_path_factory.mktemp("video") / "numbered.mp4", pictures(), fps=10)


def wanting(site: Installation) -> None:
    """Let the site keep short clips, and send the police the links to them."""
    site.config["community"]["clip"] = {"before_s": BEFORE_S, "after_s": AFTER_S}
    links = {"base_url": f"http://127.0.0.1:{site.port}", "secret": {"env": "TEST_TOKEN"}}
    site.config["receivers"]["police"]["picture_links"] = links


def half_copied(site: Installation) -> ClipRow:
    """Return the clip of the first incident once some frames of it lie in the spool."""
    (clip,) = until("a clip that is wanted", lambda: site.rows(ClipRow)[:1])
    spool = site.folder / "data" / "evidence" / SPOOL
    until("frames", lambda: any(file.stat().st_size > 200_000 for file in spool.glob(f"{clip.id}*")))
    assert isinstance(clip, ClipRow)
    return clip


def kept(site: Installation, clip_id: str) -> ClipRow:
    def settled() -> list[ClipRow]:
        return [c for c in site.rows(ClipRow) if c.id == clip_id and c.state != "pending"]

    row: ClipRow = until("the clip", settled)[0]
    assert row.state == "kept", row.reason
    return row


def assert_plays(file: Path, row: ClipRow, restarts: int = 0) -> None:
    """Assert that the film is what its row says, whole and in order; the source began anew so often."""
    data = file.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (row.size_bytes, row.sha256)
    with av.open(str(file), "r") as film:
        seconds, numbers = [], []
        for picture in film.decode(video=0):
            seconds.append(float(picture.time or 0))
            numbers.append(read_number(np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)))
    assert len(seconds) == row.frames
    assert seconds == sorted(set(seconds)), "in order, and each once"
    # From one picture to the next the video goes on as the clock does; every 20 s it begins anew.
    steps = [(b - a, (m - n) % 200 / 10) for (a, n), (b, m) in pairwise(zip(seconds, numbers, strict=True))]
    assert sum(abs(passed - played) > 0.6 for passed, played in steps) <= restarts, steps
    begins_at, ends_at = row.begins_at, row.ends_at
    assert begins_at is not None
    assert ends_at is not None
    assert seconds[-1] == pytest.approx((ends_at - begins_at).total_seconds(), abs=0.002)
    assert row.since <= begins_at < ends_at <= row.until
    # Wherever there is nothing, and nowhere else, it is said.
    shown = [row.since, *(begins_at + timedelta(seconds=s) for s in seconds), row.until]
    silent = [(b - a).total_seconds() for a, b in pairwise(shown)]
    said = [datetime.fromisoformat(g["until"]) - datetime.fromisoformat(g["since"]) for g in row.gaps]
    assert [s for s in silent if s > 2.01] == pytest.approx(
        [s.total_seconds() for s in said if s > timedelta(seconds=2.01)], abs=0.01
    )


def notice_of_clip(outside: Outside, incident_id: str) -> NoticeClip:
    """Return what the police were told once the clip was made."""

    def told() -> list[NoticeClip]:
        notices = [r.notice for r in outside.police.received if r.notice.number == incident_id]
        return [n.clip for n in notices if n.change == "clip" and n.clip]

    return until("the police to have been told of the clip", told)[0]  # type: ignore[no-any-return]


def assert_link_opens(clip: NoticeClip) -> None:
    with urllib.request.urlopen(clip.url, timeout=10) as answer:  # noqa: S310 - our own server
        data = answer.read()
    assert hashlib.sha256(data).hexdigest() == clip.sha256
    part = urllib.request.Request(clip.url, headers={"Range": "bytes=100-199"})  # noqa: S310
    with urllib.request.urlopen(part, timeout=10) as answer:  # noqa: S310
        assert (answer.status, answer.read()) == (206, data[100:200])


def test_killed_in_the_middle_it_goes_on(tmp_path: Path, outside: Outside, numbered_video: Path) -> None:
    """On the embedded bus, which dies with its owner: what was copied is still there, and goes on."""
    site = Installation(tmp_path, outside, from_file(numbered_video))
    wanting(site)
    site.config["community"]["clip"]["after_s"] = 40  # time to come back, on a machine at work
    with site:
        wanted = half_copied(site)
        site.kill("alerts")
        killed_at = wall()
        row = kept(site, wanted.id)
        assert_plays(tmp_path / "data" / "evidence" / row.file, row, restarts=1)
        assert row.begins_at is not None
        assert row.ends_at is not None
        assert row.begins_at < killed_at < row.ends_at
        told = notice_of_clip(outside, row.incident_id)
        assert_link_opens(told)
        assert (told.sha256, told.frames) == (row.sha256, row.frames)
    assert outside.police.refused == []


def test_over_kafka_it_is_read_back(
    tmp_path: Path, outside: Outside, numbered_video: Path, broker: Broker
) -> None:
    """The alert service is away for as long as the clip takes: all of it is in the topic."""
    site = Apart(tmp_path, outside, from_file(numbered_video), broker.address)
    wanting(site)
    with site:
        wanted = half_copied(site)
        site.kill("alerts")
        killed_at, over = wall(), wanted.until + timedelta(seconds=1)
        until("the end of what is wanted", lambda: wall() > over)
        site.start_service("alerts")
        row = kept(site, wanted.id)
        assert_plays(tmp_path / "data" / "evidence" / row.file, row)
        assert [gap for gap in row.gaps if gap["until"] > killed_at.isoformat()] == []
        assert row.ends_at is not None
        assert row.ends_at > row.until - timedelta(seconds=1)
        assert_link_opens(notice_of_clip(outside, row.incident_id))
    assert outside.police.refused == []


def test_a_camera_that_is_lost_ends_its_clip_at_once(
    tmp_path: Path, outside: Outside, numbered_video: Path
) -> None:
    source = {"kind": "file", "path": str(numbered_video), "pace": "realtime", "loop": False}
    site = Installation(tmp_path, outside, source)
    wanting(site)
    site.config["community"]["clip"]["after_s"] = 120  # the video ends long before
    with site:
        wanted = half_copied(site)
        row = kept(site, wanted.id)
        assert_plays(tmp_path / "data" / "evidence" / row.file, row)
        assert row.reason == "camera_lost"
        assert wall() < row.until, "nothing was waited for"
        assert row.ends_at is not None
        assert [gap["since"] for gap in row.gaps][-1:] == [row.ends_at.isoformat()]
        told = notice_of_clip(outside, row.incident_id)
        assert told.missing.endswith(f"no picture from {row.ends_at.isoformat()} to {row.until.isoformat()}")
        assert told.missing.startswith("the camera was lost; ")


def wall() -> datetime:
    return datetime.now(UTC)
