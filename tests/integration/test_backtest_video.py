"""Back-tests of a recorded video: its own time, the real rules, a picture of each hit; no real model."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from deploy.backtest import command
from deploy.backtest.video import Recording, raised
from lianfang.errors import LianfangError
from tests.support.boxes import Boxes
from tests.support.configs import changed, loaded, write
from tests.support.video import write_clip

BEGIN = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
RIGHT_HALF = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
ZONE = ("cameras.cam.zones.water.polygon", RIGHT_HALF)
YELLOW_BGR = (0, 200, 255)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Return a video of 1.48 s in which a box moves into the right half."""
    return write_clip(tmp_path / "box.mp4", count=37)


def test_it_is_looked_at_on_its_own_time(tmp_path: Path, video: Path) -> None:
    config, shares, hits = loaded(tmp_path, ZONE), [0.0], []
    incidents = raised(
        config,
        Recording(video, "cam", BEGIN),
        {"objects": Boxes()},
        shares.append,
        lambda incident, jpeg: hits.append((incident.id, jpeg)),
    )
    (incident,) = incidents
    assert incident.rule == "entry"
    assert 0.8 < (incident.opened_at - BEGIN).total_seconds() < 1.4
    assert shares == sorted(shares)
    assert shares[-1] == 1
    ((hit, jpeg),) = hits
    assert hit == incident.id
    assert simplejpeg.decode_jpeg_header(jpeg)[:2] == (240, 320)


def test_what_comes_after_the_end_does_not_count(tmp_path: Path, video: Path) -> None:
    config = loaded(tmp_path, ZONE)
    short = Recording(video, "cam", BEGIN, before=BEGIN.replace(microsecond=500_000))
    assert raised(config, short, {"objects": Boxes()}, lambda _: None, lambda *_: None) == []


def test_no_video_is_said_by_its_name(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.mp4"
    with pytest.raises(LianfangError, match=r"nothing\.mp4; allowed: a video file"):
        raised(
            loaded(tmp_path),
            Recording(nothing, "cam", BEGIN),
            {"objects": Boxes()},
            lambda _: None,
            lambda *_: None,
        )
    nothing.write_text("no video")
    with pytest.raises(LianfangError):
        raised(
            loaded(tmp_path),
            Recording(nothing, "cam", BEGIN),
            {"objects": Boxes()},
            lambda _: None,
            lambda *_: None,
        )


def test_the_command_reports_and_keeps_pictures(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "stages_of", lambda *_: {"objects": Boxes()})
    site, report, hits = write(tmp_path, changed(ZONE)), tmp_path / "hits.json", tmp_path / "hits"
    arguments = [
        "--camera",
        "cam",
        "--from",
        "2026-07-01T14:00",
        "--json",
        str(report),
        "--pictures",
        str(hits),
    ]
    assert command.main([str(site), "--video", str(video), *arguments]) == 0
    (line,) = json.loads(report.read_text(encoding="utf-8"))
    assert line["opened_at"].startswith("2026-07-01T14:00:0")
    (picture,) = hits.iterdir()
    assert picture.stat().st_mode & 0o777 == 0o600, "only for who looks"
    drawn = simplejpeg.decode_jpeg(picture.read_bytes(), colorspace="BGR").astype(int)
    edge = np.abs(drawn[:200, 159:163] - YELLOW_BGR).sum(axis=-1).min(axis=1)
    assert np.median(edge) < 120, "the left edge of the zone is drawn"
    assert capsys.readouterr().out.splitlines()[-1] == f"1 pictures in {hits}"
