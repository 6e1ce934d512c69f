"""Drills: what is recorded of a source, and what becomes of it when the camera's settings change.

The video has a box that moves to the right; a stand-in for a model takes it for a person. The rule, the
incidents and the reading of the source are the real ones; the last test has the real model too.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import simplejpeg
import yaml

from deploy.drills import case
from deploy.drills.command import main
from deploy.drills.play import play
from deploy.drills.record import Wanted, record
from detectors.evaluation.media import sample
from detectors.models.store import verify
from lianfang import logs
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.errors import LianfangError, ModelError
from tests.support.boxes import Boxes
from tests.support.configs import changed, loaded, write
from tests.support.rtsp_server import RtspServer
from tests.support.video import read_number, write_clip

RIGHT_HALF = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
SKY = [[0, 0], [1, 0], [1, 0.05], [0, 0.05]]
WANTED = Wanted("cam", "entry", "moves", 1.4)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """Return what loads a site whose camera is a video of 1.48 s, with ``changes``."""
    video = write_clip(tmp_path / "box.mp4", count=37)

    def configured(*changes: tuple[str, Any]) -> Config:
        source = {"kind": "file", "path": str(video), "pace": "asap", "start": "2026-07-01T12:00:00Z"}
        usual = [("cameras.cam.source", source), ("cameras.cam.zones.water.polygon", RIGHT_HALF)]
        return loaded(tmp_path, *usual, *changes)

    return configured


def recorded(config: Config, wanted: Wanted = WANTED) -> Path:
    return record(config, wanted, SystemClock(), lambda _: None)[0]


def test_what_is_recorded_is_what_ingest_would_publish(configured: Callable[..., Config]) -> None:
    config = configured()
    folder, count = record(config, WANTED, SystemClock(), lambda _: None)
    assert folder == config.data_dir / "drills" / "cam" / "moves"
    pictures = sorted(folder.glob("*.jpg"))
    assert [file.stem for file in pictures] == [f"{n * 200:07d}" for n in range(8)]
    numbers = [read_number(simplejpeg.decode_jpeg(file.read_bytes())) for file in pictures]
    assert numbers == [0, 5, 10, 15, 20, 25, 30, 35]
    assert count == 8
    drill = case.read(folder)
    assert (drill.rule, drill.start_s, drill.end_s) == ("entry", 0, 1.4)
    assert drill.recorded_at.isoformat() == "2026-07-01T12:00:00+00:00"


def test_only_the_owner_may_read_it(configured: Callable[..., Config]) -> None:
    folder = recorded(configured())
    for part in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(part.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_file_that_ends_makes_it_shorter(configured: Callable[..., Config]) -> None:
    folder = recorded(configured(), Wanted("cam", "entry", "moves", 60))
    assert case.read(folder).end_s == 1.4


def test_it_is_found_when_the_rule_says_so(configured: Callable[..., Config]) -> None:
    config = configured()
    outcome = play(config, recorded(config), {"objects": Boxes()})
    # The box is in the right half from picture 20 on; the third of these, 30, was taken at 1.2 s.
    assert outcome.delay_s == pytest.approx(1.2)
    assert str(outcome) == "cam/moves: found, 1.2 s after its start"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([("cameras.cam.zones.water.polygon", SKY)], "wanted entry between 0 and 1.4 s, raised nothing"),
        ([("rules.entry.frames", 9)], "raised nothing"),
        ([("rules.entry.min_confidence", 0.95)], "raised nothing"),
        ([("cameras.cam.fps", 1)], "raised nothing"),  # too few pictures to count to three
        ([("rules.entry.enabled", False)], "rule entry is not enabled"),
        ([("rules.entry.cameras", ["cam2"])], "rule entry does not look at this camera any more"),
        ([("rules.entry", ...)], "rule entry is not configured any more"),
        ([("rules.entry.cameras", ["cam2"]), ("cameras.cam", ...)], "the camera is not configured any more"),
    ],
)
def test_it_is_missed_after_a_change_for_the_worse(
    changes: list[tuple[str, Any]], why: str, configured: Callable[..., Config]
) -> None:
    folder = recorded(configured())
    outcome = play(configured(*changes), folder, {"objects": Boxes()})
    assert not outcome.found
    assert why in str(outcome)


@pytest.mark.parametrize(
    ("start_s", "end_s", "found"), [(1.1, 1.3, True), (0, 1.1, False), (1.3, 1.4, False)]
)
def test_the_alarm_must_come_between_the_two_times(
    start_s: float, end_s: float, found: bool, configured: Callable[..., Config]
) -> None:
    config = configured()
    folder = recorded(config, Wanted("cam", "entry", "moves", 1.4, start_s, end_s))
    outcome = play(config, folder, {"objects": Boxes()})
    assert outcome.found is found
    assert found or "raised entry at 1.2 s" in str(outcome)


def test_another_rule_is_not_the_one(configured: Callable[..., Config]) -> None:
    other = changed()["rules"]["entry"] | {"enabled": True}
    folder = recorded(configured(("rules.other", other)), Wanted("cam", "other", "moves", 1.4))
    outcome = play(configured(("rules.other", other | {"frames": 9})), folder, {"objects": Boxes()})
    assert outcome.why == "wanted other between 0 and 1.4 s, raised entry at 1.2 s"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("0000400.jpg", "no picture", "it cannot be played"),
        ("drill.yaml", "rule: entry", "drill.yaml: start_s: found"),
        ("drill.yaml", "[", "allowed: a readable YAML file"),
        ("drill.yaml", "text", "drill.yaml: found 'text'"),
    ],
)
def test_what_was_altered_is_missed_and_says_why(
    name: str, content: str, why: str, configured: Callable[..., Config]
) -> None:
    config = configured()
    folder = recorded(config)
    (folder / name).write_text(content)
    outcome = play(config, folder, {"objects": Boxes()})
    assert not outcome.found
    assert why in str(outcome)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted("cam9", "entry", "moves", 5), "no camera 'cam9'; there are cam, cam2"),
        (Wanted("cam", "exit", "moves", 5), "no enabled rule 'exit' looks at cam; there are: entry"),
        (Wanted("cam", "entry", "moves", 0), "0 <= --start < --end <= --seconds <= 600 does not hold"),
        (Wanted("cam", "entry", "moves", 601), "does not hold"),
        (Wanted("cam", "entry", "moves", 5, start_s=3, end_s=3), "does not hold"),
        (Wanted("cam", "entry", "moves", 5, end_s=6), "does not hold"),
        (Wanted("cam", "entry", "moves", 60, start_s=30), "pictures for 1.4 s only, none after --start"),
    ],
)
def test_what_cannot_be_recorded_leaves_nothing(
    wanted: Wanted, why: str, configured: Callable[..., Config]
) -> None:
    config = configured()
    with pytest.raises(LianfangError, match=why):
        recorded(config, wanted)
    assert list((config.data_dir / "drills").glob("*/*")) == []


def test_a_live_camera_is_recorded_for_so_long(configured: Callable[..., Config]) -> None:
    with RtspServer() as server:
        config = configured(("cameras.cam.source", {"kind": "rtsp", "url": server.url}))
        folder = recorded(config, Wanted("cam", "entry", "moves", 2))
    pictures = sorted(folder.glob("*.jpg"))
    numbers = [read_number(simplejpeg.decode_jpeg(file.read_bytes())) for file in pictures]
    assert len(numbers) >= 5
    assert all(a < b for a, b in pairwise(numbers))
    assert 1500 < int(pictures[-1].stem) <= 2000  # milliseconds
    assert 1.5 < case.read(folder).end_s <= 2
    assert "rtsp" not in (folder / case.FILE).read_text()  # an address may hold a password


def test_a_source_that_is_lost_leaves_nothing(configured: Callable[..., Config], tmp_path: Path) -> None:
    config = configured()
    (tmp_path / "box.mp4").write_text("no video")
    with pytest.raises(LianfangError, match="no_video"):
        recorded(config)
    assert list((config.data_dir / "drills").glob("*/*")) == []
    assert list((config.data_dir / "drills" / "cam").iterdir()) == []


def test_nothing_is_written_over(configured: Callable[..., Config]) -> None:
    config = configured()
    before = (recorded(config) / case.FILE).read_bytes()
    with pytest.raises(LianfangError, match="cam has a drill 'moves' already"):
        recorded(config)
    assert (config.data_dir / "drills" / "cam" / "moves" / case.FILE).read_bytes() == before


def test_a_missed_drill_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """People walk through a street, seen by the real model, recorded and played from the command line."""
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # it would hold for the tests that follow as well
    if not sample().is_file():
        pytest.skip("the sample video is not on this machine")
    try:
        verify("nanodet-g", None)
    except ModelError as error:
        pytest.skip(str(error))
    source = {"kind": "file", "path": str(sample()), "pace": "asap"}
    everywhere = [[0, 0], [1, 0], [1, 1], [0, 1]]
    site = changed(("cameras.cam.source", source), ("cameras.cam.zones.water.polygon", everywhere))
    file = str(write(tmp_path, site))
    assert main(["record", file, "cam", "--rule", "entry", "--name", "walks", "--seconds", "3"]) == 0
    assert main(["run", file]) == 0
    said = capsys.readouterr().out
    assert "cam/walks: found, " in said
    assert "1 of 1 found" in said
    site["cameras"]["cam"]["zones"]["water"]["polygon"] = SKY
    Path(file).write_text(yaml.safe_dump(site))
    assert main(["run", file, "cam"]) == 1
    assert "cam/walks: MISSED: wanted entry between 0 and 3 s, raised nothing" in capsys.readouterr().out
    assert main(["list", file]) == 0
    assert capsys.readouterr().out.startswith("cam/walks: entry, 0 to 3 s, ")
    assert main(["remove", file, "cam", "walks"]) == 0
    assert main(["remove", file, "cam", "walks"]) == 2
    assert main(["run", file]) == 2
    assert "no drill is recorded" in capsys.readouterr().err


def test_a_name_leads_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["remove", str(tmp_path / "site.yaml"), "cam", "../moves"])
    assert ended.value.code == 2
    assert "a lower-case letter, then a-z, 0-9 and _" in capsys.readouterr().err
