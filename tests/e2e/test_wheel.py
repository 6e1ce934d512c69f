"""The wheel: installed in an environment of its own, away from the checkout, it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy.demo.site import free_port
from tests.e2e.installation import until
from tests.support.configs import SECRETS
from tests.support.video import write_clip

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
STATIC = "alerts/api/static/index.html"
DEMO_SECRETS = {
    "LIANFANG_DEMO_PASSWORD": "operator-password",
    "LIANFANG_DEMO_SPEAKER_TOKEN": SECRETS["TEST_TOKEN"],
    "LIANFANG_DEMO_POLICE_SECRET": SECRETS["TEST_SECRET"],
}


def needs_the_console() -> None:
    if not (ROOT / STATIC).exists():
        message = "the console is not built: make console"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def done(command: list[str | Path], folder: Path, **environment: str) -> str:
    """Run a command in ``folder``; return what it prints. It must succeed."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        command,
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(source: Path, target: Path, *kinds: str) -> None:
    options = [option for kind in kinds for option in ("--target", kind)]
    done([sys.executable, "-m", "hatchling", "build", "--directory", target, *options], source)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh environment with the wheel, and with what it depends on lent by this one."""
    folder = tmp_path_factory.mktemp("environment")
    done([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    install: list[str | Path] = ["install", "--quiet", "--no-index", "--no-deps", wheel]
    done([sys.executable, "-m", "pip", "--python", python, *install], folder)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = done([python, "-c", "import lianfang, alerts; print(lianfang.__file__, alerts.__file__)"], folder)
    assert all(Path(file).is_relative_to(packages) for file in where.split())
    return folder


@pytest.fixture
def site(environment: Path, tmp_path: Path) -> tuple[Path, int]:
    """Return the packaged configuration of the demo, in a folder with a video, and its port."""
    python = environment / "bin" / "python"
    port = free_port(0)
    packaged = "import configs, pathlib; print(pathlib.Path(*configs.__path__, 'demo.yaml'))"
    text = Path(done([python, "-c", packaged], tmp_path).strip()).read_text(encoding="utf-8")
    assert "port: 8800" in text
    file = tmp_path / "demo.yaml"
    file.write_text(text.replace("port: 8800", f"port: {port}"), encoding="utf-8")
    write_clip(tmp_path / "sample.avi", count=20, fps=10, width=160, height=120)
    return file, port


def test_everything_that_runs_is_in_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    packages = ("lianfang/", "ingest/", "detectors/", "alerts/", "deploy/", "configs/")
    kept = [n for n in listed.stdout.splitlines() if n.startswith(packages) and (ROOT / n).exists()]
    missing = [n for n in kept if n not in names and not n.startswith("alerts/console/")]
    assert missing == []
    assert "alerts/store/migrations/versions/0001_first_tables.py" in names
    elsewhere = ("tests/", "docs/", "alerts/console/")
    strangers = [name for name in names if name.startswith(elsewhere) or "node_modules" in name]
    assert strangers == []


def test_the_console_is_in_the_wheel(built: Path) -> None:
    needs_the_console()
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert STATIC in names
    assert any(name.startswith("alerts/api/static/assets/") and name.endswith(".js") for name in names)


def test_the_source_distribution_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    assert [n for n in names if "node_modules" in n or n.startswith(f"{folder.name}/tests/")] == []
    build(folder, tmp_path / "again", "wheel")
    (first,), (second,) = built.glob("*.whl"), (tmp_path / "again").glob("*.whl")
    assert zipfile.ZipFile(second).namelist() == zipfile.ZipFile(first).namelist()


def test_the_command_of_the_wheel(environment: Path, site: tuple[Path, int], tmp_path: Path) -> None:
    lianfang, (file, _) = environment / "bin" / "lianfang", site
    assert done([lianfang, "--version"], tmp_path) == f"lianfang {version('lianfang')}\n"
    assert "nanodet-g: " in done([lianfang, "models", "list"], tmp_path)
    said = done([lianfang, "check", file], tmp_path, **DEMO_SECRETS)
    assert said.startswith(f"{file}: good: 1 points, 1 cameras")


def test_the_wheel_runs(environment: Path, site: tuple[Path, int], tmp_path: Path) -> None:
    file, port = site
    log = tmp_path / "log"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [environment / "bin" / "lianfang", "run", file],
            cwd=tmp_path,
            env={**clean, **DEMO_SECRETS},
            stdout=output,
            stderr=output,
        )
    try:
        until("readiness", lambda: answer(port, "/readyz") == 200 or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        if (ROOT / STATIC).exists():
            assert answer(port, "/") == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0


def answer(port: int, path: str) -> int:
    """Return the status of a GET, 0 where there is no answer or an error."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            status: int = response.status
    except OSError:
        return 0
    return status
