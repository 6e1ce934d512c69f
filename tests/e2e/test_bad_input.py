"""What is wrong from outside, over real processes: a clear message, and whatever is good goes on."""

from __future__ import annotations

import copy
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alerts.store.schema import CameraStateRow
from tests.e2e.installation import Installation, Outside, get, metric, ready, until
from tests.support.configs import changed, write
from tests.support.video import write_clip

pytestmark = pytest.mark.e2e

HOSTILE = Path(__file__).parents[3] / "shared" / "data" / "clips" / "hostile_rawvideo_48x48.avi"


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as world:
        yield world


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", count=50, fps=10, width=160, height=120)


def source(file: Path) -> dict[str, Any]:
    return {"kind": "file", "path": str(file), "pace": "realtime", "loop": True}


def refused(file: Path, **environment: str) -> str:
    """Run ``lianfang run`` on a configuration that must not start; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "lianfang", "run", str(file)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def line_of(file: Path, text: str, nth: int = 0) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [i for i, line in enumerate(lines, 1) if line.strip() == text][nth]


@pytest.mark.parametrize(
    ("change", "key", "at", "says"),
    [
        (("cameras.cam.fsp", 5), "fsp: 5", "cameras.cam.fsp", "found the unknown key 'fsp'; allowed: "),
        (
            ("cameras.cam.zones.water.polygon", [[0, 0], [1, 1], [1, 0], [0, 1]]),
            "polygon:",
            "cameras.cam.zones.water.polygon",
            "allowed: a polygon that does not cross itself",
        ),
        (
            ("cameras.cam.zones.water.polygon", [[0, 0], [1.25, 0], [1, 1]]),
            "- - 1.25",
            "cameras.cam.zones.water.polygon.1.0",
            "found 1.25; allowed: less than or equal to 1",
        ),
    ],
    ids=["unknown key", "crossing polygon", "polygon outside 0-1"],
)
def test_a_configuration_that_is_wrong(
    tmp_path: Path, change: tuple[str, Any], key: str, at: str, says: str
) -> None:
    file = write(tmp_path, changed(change))
    (line,) = [line for line in refused(file).splitlines() if line]
    place, _, rest = line.partition(f": {at}: ")
    assert says in rest
    path, _, number = place.rpartition(":")
    assert path == str(file)
    assert int(number) == line_of(file, key)
    assert not (tmp_path / "data").exists(), "nothing was started"


def test_two_cameras_of_one_id(tmp_path: Path) -> None:
    file = write(tmp_path, changed())
    text = file.read_text(encoding="utf-8").replace("  cam2:\n", "  cam:\n")
    file.write_text(text, encoding="utf-8")
    first, second = line_of(file, "cam:"), line_of(file, "cam:", 1)
    assert f"{file}:{second}: cameras.cam: found a second 'cam' (the first is on line {first})" in refused(
        file
    )


@pytest.mark.parametrize("how", ["environment", "configuration"])
def test_a_model_that_is_not_installed(tmp_path: Path, how: str) -> None:
    empty = tmp_path / "models"
    empty.mkdir()
    if how == "environment":
        said = refused(write(tmp_path, changed()), LIANFANG_MODELS=str(empty))
    else:
        said = refused(write(tmp_path, changed(("models_dir", "models"))))
    assert "detectors.objects.engine.model: found 'nanodet-g'" in said
    assert f"{empty / 'nanodet-g.onnx'}: " in said
    assert "run: lianfang models install nanodet-g" in said


def test_a_data_dir_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    assert f"data_dir {tmp_path / 'data'} cannot be used: " in refused(write(tmp_path, changed()))
    (tmp_path / "sub").write_text("in the way", encoding="utf-8")
    said = refused(write(tmp_path, changed(("data_dir", "sub/data"))))
    assert f"data_dir {tmp_path / 'sub' / 'data'} cannot be used: Not a directory" in said


def test_a_port_that_is_taken_ends_the_tree(tmp_path: Path, outside: Outside, clip: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        site = Installation(tmp_path, outside, source(clip))
        site.config["api"]["port"] = other.getsockname()[1]
        site.start()
        assert site.process is not None
        assert site.process.wait(60) == 2
    log = site.log.read_text(encoding="utf-8")
    assert f"the API cannot listen on 127.0.0.1:{site.config['api']['port']}" in log
    assert "alerts refuses to start" in log
    assert "Traceback" not in log


def test_a_file_that_is_no_video_harms_no_other_camera(tmp_path: Path, outside: Outside, clip: Path) -> None:
    text = tmp_path / "notes.avi"
    text.write_text("This is no video.\n" * 100, encoding="utf-8")
    site = Installation(tmp_path, outside, source(clip))
    _add_camera(site, "bad", text)
    with site:
        until("the bad camera to be said offline", lambda: _states(site).get("bad"))
        until("the good one to be online", lambda: _states(site).get("cam") == ("online", ""))
        _publishes(site)
        assert _states(site)["bad"] == ("offline", "no_video")
        log = site.log.read_text(encoding="utf-8")
    assert "child_ended" not in log
    assert "Traceback" not in log
    assert log.count('"camera_offline"') == 1, "said once, however often it is tried"


def test_a_video_made_to_crash_decoders_harms_no_other_camera(
    tmp_path: Path, outside: Outside, clip: Path
) -> None:
    if not HOSTILE.exists():
        pytest.skip(f"{HOSTILE.name} is not here")
    site = Installation(tmp_path, outside, source(clip))
    _add_camera(site, "bad", HOSTILE)
    with site:
        # Either it is read, or refused, or the process that reads it dies and the good one is given its own.
        until("the good camera to be online", lambda: _states(site).get("cam") == ("online", ""))
        until(
            "the bad one to be tried",
            lambda: "bad" in _states(site) or "child_ended" in site.log.read_text(encoding="utf-8"),
        )
        _publishes(site)
        assert site.process is not None
        assert site.process.poll() is None
        assert site.stop() == 0


def test_an_ingest_process_that_is_killed_is_started_again(
    tmp_path: Path, outside: Outside, clip: Path
) -> None:
    with Installation(tmp_path, outside, source(clip)) as site:
        until("the camera to be online", lambda: _states(site).get("cam") == ("online", ""))
        _publishes(site)
        before = metric(site, 'lianfang_frames_published_total{camera="cam"}') or 0
        killed = site.kill("ingest")
        assert site.child("ingest") != killed
        _publishes(site)
        # It goes on with the counters of the killed one, and no file of that is left to be read for ever.
        assert (metric(site, 'lianfang_frames_published_total{camera="cam"}') or 0) >= before + 10
        counters = [file.name for file in (tmp_path / "data" / "metrics").glob("counter_*")]
        assert len(counters) == 3, counters
        families = list(text_string_to_metric_families(get(site, "/metrics")))
        log = site.log.read_text(encoding="utf-8")
    assert '"killed by SIGKILL"' in log

    # What all processes count, the dead one too, stands on one page: each family once, each series once.
    for family in families:
        series = Counter((s.name, tuple(sorted(s.labels.items()))) for s in family.samples)
        assert max(series.values(), default=1) == 1, family.name
    names = Counter(family.name for family in families)
    by_each = {"lianfang_frames_published", "lianfang_frames_detected", "lianfang_observations"}
    assert by_each | {"lianfang_hop_seconds", "lianfang_camera_online"} <= names.keys()
    (online,) = [s for f in families if f.name == "lianfang_camera_online" for s in f.samples]
    assert (online.labels, online.value) == ({"camera": "cam"}, 1)
    assert [name for name, count in names.items() if count > 1] == []


def test_a_second_tree_on_the_same_data_is_refused_and_harms_nothing(
    tmp_path: Path, outside: Outside, clip: Path
) -> None:
    with Installation(tmp_path, outside, source(clip)) as site:
        until("the camera to be online", lambda: _states(site).get("cam") == ("online", ""))
        assert site.process is not None
        secrets = dict.fromkeys(("TEST_TOKEN", "TEST_PASSWORD"), "x")
        said = refused(tmp_path / "site.yaml", **secrets)
        assert f"data_dir {tmp_path / 'data'} is in use by process {site.process.pid}" in said
        _publishes(site)  # its metrics are there, and go on
        assert site.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_tree(
    tmp_path: Path, outside: Outside, clip: Path, number: signal.Signals
) -> None:
    with Installation(tmp_path, outside, source(clip)) as site:
        until("the camera to be online", lambda: _states(site).get("cam") == ("online", ""))
        assert site.process is not None
        family = [site.child(service) for service in ("alerts", "detect", "ingest")]
        site.process.send_signal(number)
        assert site.process.wait(60) == (-9 if number is signal.SIGKILL else 0)
        if number is signal.SIGKILL:
            # A tree that is started at once waits for what is left of the last one, and takes over.
            site.start()
            until("the API", lambda: ready(site))
        until("the end of its children", lambda: not any(_runs(pid) for pid in family))
        assert site.stop() == (0 if number is signal.SIGKILL else site.process.returncode)


def _add_camera(site: Installation, camera_id: str, file: Path) -> None:
    site.config["cameras"][camera_id] = {
        **copy.deepcopy(site.config["cameras"]["cam"]),
        "device_code": "",
        "source": source(file),
    }


def _states(site: Installation) -> dict[str, tuple[str, str]]:
    return {row.camera: (row.condition, row.reason) for row in site.rows(CameraStateRow)}


def _publishes(site: Installation) -> None:
    """Return after ten more frames of the good camera than now, looked at and decided on."""
    names = ("lianfang_frames_published_total", "lianfang_observations_total")

    def counts() -> list[float]:
        samples = [s for f in text_string_to_metric_families(get(site, "/metrics")) for s in f.samples]
        return [sum(s.value for s in samples if s.name == n and s.labels == {"camera": "cam"}) for n in names]

    until("the API", lambda: ready(site))
    frames, observations = counts()
    until("new frames", lambda: counts()[0] >= frames + 10)
    until("new observations", lambda: counts()[1] >= observations + 2)


def _runs(pid: int) -> bool:
    """Say whether a process runs; one that has ended but whose parent did not look does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
