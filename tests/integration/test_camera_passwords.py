"""Passwords of cameras: what is wrong with them, defaults that still work, new ones that are never lost."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cameras.changing import random_password
from deploy.cameras.makers import logins_of
from deploy.simulators import isapi_camera, onvif_camera
from deploy.simulators.isapi_camera import IsapiCamera
from deploy.simulators.onvif_camera import OnvifCamera
from deploy.simulators.onvif_streams import streams
from deploy.simulators.server import Fault
from lianfang.cli import main
from lianfang.config import load
from tests.support.channels import silent
from tests.support.configs import SECRETS, changed, write
from tests.support.http_camera import in_thread

STEPS = ("write", "tell", "verify", "swap", "note")
Camera = IsapiCamera | OnvifCamera


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def site(folder: Path, *cameras: tuple[str, str, str]) -> Path:
    """Write a configuration with cameras of (id, user, password), each password in a file of its own."""
    found = {}
    for name, user, password in cameras:
        (folder / f"{name}.txt").write_text(password, encoding="utf-8")
        source = {"kind": "rtsp", "url": f"rtsp://127.0.0.1:8554/{name}", "username": user}
        found[name] = {
            "name": name,
            "point": "bank",
            "source": {**source, "password": {"file": f"{name}.txt"}},
            "zones": changed()["cameras"]["cam"]["zones"],
        }
    return write(folder, changed(("cameras", found), ("rules.entry.cameras", list(found))))


def run(config: Path, *arguments: str) -> int:
    return main(["cameras", "passwords", str(config), *arguments])


def at(camera: Camera) -> tuple[str, ...]:
    return (
        "--port",
        camera.url.rpartition(":")[2],
        "--by",
        "isapi" if isinstance(camera, IsapiCamera) else "onvif",
    )


def known(camera: Camera) -> str:
    return camera.password if isinstance(camera, IsapiCamera) else camera.users[onvif_camera.USER]


@pytest.fixture(params=["isapi", "onvif"])
def camera(request: pytest.FixtureRequest) -> Iterator[Camera]:
    made: Camera = (
        IsapiCamera(say=silent)
        if request.param == "isapi"
        else OnvifCamera(streams("rtsp://x/y"), say=silent)
    )
    with in_thread(made) as running:
        yield running


@pytest.fixture(scope="module")
def mortal() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.password_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **SECRETS},
    ) as process:
        yield process


def dies(process: subprocess.Popen[str], step: str, *arguments: str) -> int:
    """Run the command in a process that is killed before ``step``; return how it ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([arguments, step]) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def test_what_is_wrong_is_said_and_never_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(
        tmp_path,
        ("a", "admin", "12345"),
        ("b", "admin", "Geheim-Wort1"),
        ("c", "admin", "Geheim-Wort1"),
        ("d", "watcher", "watcher-99"),
        ("e", "admin", "abcdefghijkl"),
        ("good", "admin", "x7-Qm2.ftr9K"),
    )
    # Two cameras that are one device share nothing with another.
    text = config.read_text(encoding="utf-8")
    for name in "abcde":
        text = text.replace(f"rtsp://127.0.0.1:8554/{name}", f"rtsp://10.0.0.{ord(name)}/x")
    config.write_text(text, encoding="utf-8")
    assert run(config) == 1
    said = capsys.readouterr().out
    lines = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert lines["a (admin at 10.0.0.97)"].startswith("a default that everybody knows; weak")
    assert "shared by 2 devices" in lines["b (admin at 10.0.0.98)"]
    assert lines["d (watcher at 10.0.0.100)"] == "its user name is part of it"
    assert lines["e (admin at 10.0.0.101)"].startswith("weak")
    assert "good" not in said.replace("as they should be", "")
    assert said.endswith("6 logins, 5 of them not as they should be\n")
    assert "Geheim" not in said


def test_a_login_in_an_address_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, changed(("cameras.cam.source.url", "rtsp://u:geheim@10.0.0.1/x")))
    assert run(config) == 1
    said = capsys.readouterr().out
    assert "cam: its password stands in its address" in said
    assert "geheim" not in said


def test_a_new_password_takes_the_place_of_the_old_one(tmp_path: Path, camera: Camera) -> None:
    config = site(tmp_path, ("a", "admin", known(camera)))
    file, before = tmp_path / "a.txt", known(camera)
    file.chmod(0o640)
    assert run(config, "--change", *at(camera)) == 0
    assert known(camera) == file.read_text(encoding="utf-8") != before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    journal = tmp_path / "data" / "passwords.journal"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert known(camera) not in journal.read_text(encoding="utf-8")
    assert [json.loads(line)["what"] for line in journal.read_text(encoding="utf-8").splitlines()] == [
        "written",
        "changed",
    ]
    assert sorted(one.name for one in tmp_path.glob("a.txt*")) == ["a.txt"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_no_camera_is_locked_out(
    tmp_path: Path, camera: Camera, mortal: subprocess.Popen[str], step: str
) -> None:
    config = site(tmp_path, ("a", "admin", known(camera)))
    before = known(camera)
    assert dies(mortal, step, str(config), "--change", *at(camera)) == -signal.SIGKILL
    # Whatever it knows now stands in one of the two files.
    held = {one.read_text(encoding="utf-8") for one in tmp_path.glob("a.txt*")}
    assert known(camera) in held
    assert run(config, "--change", *at(camera)) == 0
    assert known(camera) == (tmp_path / "a.txt").read_text(encoding="utf-8") != before
    assert sorted(one.name for one in tmp_path.glob("a.txt*")) == ["a.txt"]
    if isinstance(camera, IsapiCamera):
        assert camera.wrong == 0


def test_an_answer_that_is_lost_is_asked_for(tmp_path: Path, camera: Camera) -> None:
    config = site(tmp_path, ("a", "admin", known(camera)))
    if isinstance(camera, IsapiCamera):
        camera.misbehave(Fault("lost"))
        assert run(config, "--change", *at(camera)) == 0
    else:
        camera.misbehave(Fault("close"))  # nobody answers at first: nothing was begun
        assert run(config, "--change", *at(camera)) == 1
        assert not (tmp_path / "a.txt.new").exists()
        assert run(config, "--change", *at(camera)) == 0
    assert known(camera) == (tmp_path / "a.txt").read_text(encoding="utf-8")


def test_what_a_camera_refuses_leaves_the_old_one(
    tmp_path: Path, camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path, ("a", "admin", known(camera)))
    (tmp_path / "weak").write_text("short", encoding="utf-8")
    assert run(config, "--change", "--password-file", str(tmp_path / "weak"), *at(camera)) == 1
    assert "the old password stays" in capsys.readouterr().out
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == known(camera)
    assert not (tmp_path / "a.txt.new").exists()


def test_a_password_that_is_wrong_here_is_no_start(
    tmp_path: Path, camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    before = known(camera)
    config = site(tmp_path, ("a", "admin", "not-that-1"))
    assert run(config, "--change", *at(camera)) == 1
    assert "does not let us in with the password of a.txt" in capsys.readouterr().out
    assert known(camera) == before
    (tmp_path / "a.txt.new").write_text("nor-this-1", encoding="utf-8")
    assert run(config, "--change", *at(camera)) == 1
    assert "both are kept" in capsys.readouterr().out
    assert (tmp_path / "a.txt.new").exists()


def test_shared_passwords_get_files_of_their_own_first(
    tmp_path: Path, camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path, ("a", "admin", known(camera)), ("b", "admin", "other-1"))
    text = config.read_text(encoding="utf-8").replace("file: b.txt", "file: a.txt")
    text = text.replace("rtsp://127.0.0.1:8554/b", "rtsp://127.0.0.2:8554/b")
    config.write_text(f"# ours\n{text}", encoding="utf-8")
    assert run(config, "--change", *at(camera)) == 1
    assert "--own-files first" in capsys.readouterr().out
    assert run(config, "--own-files", str(tmp_path / "own")) == 0
    assert config.read_text(encoding="utf-8").startswith("# ours\n")
    found = load(config)
    for name in "ab":
        secret = found.cameras[name].source.password  # type: ignore[attr-defined]
        assert secret.file == tmp_path / "own" / f"{name}.password"
        assert secret.read() == known(camera)
        assert stat.S_IMODE(secret.file.stat().st_mode) == 0o600
    assert run(config, "--change", "--camera", "a", *at(camera)) == 0
    assert (tmp_path / "own" / "a.password").read_text(encoding="utf-8") == known(camera)


def test_defaults_are_tried_a_few_times_and_never_into_a_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path, ("a", "admin", "x7-Qm2.ftr9K"))
    with in_thread(IsapiCamera(say=silent, password="no-default-1")) as camera:
        tries = ("--try-defaults", "--tries", "5", *at(camera))
        assert run(config, *tries) == 0
        assert "stopped: 2 tries are left until it locks" in capsys.readouterr().out
        assert camera.wrong == 3
        assert run(config, "--try-defaults", "--tries", "3", *at(camera)) == 0
        assert "not again yet" in capsys.readouterr().out
        assert camera.wrong == 3
    with in_thread(IsapiCamera(say=silent, password="12345")) as camera:
        assert run(config, "--try-defaults", *at(camera)) == 1
        assert "lets in admin with a default of its maker" in capsys.readouterr().out


def test_nobody_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, ("a", "admin", "x7-Qm2.ftr9K"))
    assert run(config, "--change", "--port", "1") == 1
    assert "no connection" in capsys.readouterr().out
    assert run(config, "--change", "--camera", "z") == 2


def test_the_logins_of_a_maker_come_first() -> None:
    assert logins_of("大华 IPC-HFW")[0] == ("admin", "admin")
    assert logins_of("AXIS P1375")[0] == ("root", "pass")
    assert logins_of("")[0] == ("admin", "12345")


def test_random_passwords_are_what_devices_take() -> None:
    made = {random_password() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert len(one) == 16
        assert any(map(str.islower, one))
        assert any(map(str.isupper, one))
        assert any(map(str.isdigit, one))
        assert not set(one) & set("0O1lI")


def test_the_simulators_are_what_they_say() -> None:
    assert isapi_camera.USERNAME == onvif_camera.USER == "admin"
