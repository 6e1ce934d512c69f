"""Installing, checking and listing models: with an npm of our own in place of the real one."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from detectors.engines import onnx as engine
from detectors.models import fetching
from detectors.models import manifest as manifest_module
from detectors.models.commands import main
from detectors.models.install import install
from detectors.models.manifest import ModelEntry, NpmSource, SourceFile, entry, manifest
from detectors.models.store import default_cache_dir, model_path, verify
from detectors.models.tfjs import convert
from lianfang.errors import ModelError
from tests.unit.detectors.graphs import GraphFile

FREE_AXES = {2: "height", 3: "width"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Registry:
    """A registry of one package, ``tiny`` 1.0.0, and an npm that fetches from it."""

    folder: Path
    model: ModelEntry

    @property
    def calls(self) -> list[str]:
        """What npm was called with, a line a call."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def npm(self, script: str) -> None:
        """Let npm be a shell script; ``$FOLDER`` is where it was told to put the tarball."""
        path = self.folder / "bin" / "npm"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$*" >> {self.folder}/calls\nFOLDER=$4\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def serve(self, content: bytes) -> None:
        """Let npm fetch ``content``."""
        (self.folder / "served").write_bytes(content)
        self.npm(f'cp {self.folder}/served "$FOLDER/tiny-1.0.0.tgz"')


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    graph = GraphFile((1, 3, 64, 64))
    nhwc = graph.node("Transpose", "input", graph.integers([0, 2, 3, 1]))
    filters = graph.constant(np.ones((1, 1, 3, 2)))
    graph.output("out", graph.node("Conv2D", nhwc, filters, strides=[1, 1, 1, 1], padding="SAME"))
    model_json, weights = graph.model_json(), graph.weights
    package = tarball({"package/tiny.json": model_json, "package/tiny.bin": weights})
    source = NpmSource(
        npm="tiny",
        version="1.0.0",
        sha256=sha256(package),
        size_mb=1,
        graph=SourceFile(path="package/tiny.json", sha256=sha256(model_json)),
        weights=SourceFile(path="package/tiny.bin", sha256=sha256(weights)),
    )
    model = ModelEntry(
        name="tiny",
        family="nanodet",
        summary="a test",
        licence="Apache-2.0",
        upstream="nowhere",
        onnx_sha256=sha256(convert("tiny", model_json, weights, FREE_AXES)),
        free_axes=FREE_AXES,
        source=source,
        labels=("thing",),
    )
    folder = tmp_path / "registry"
    folder.mkdir()
    result = Registry(folder, model)
    result.serve(package)
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    monkeypatch.setenv("LIANFANG_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(manifest_module, "manifest", lambda: {"tiny": result.model})
    return result


def test_a_model_is_fetched_once_and_then_used_offline(registry: Registry, tmp_path: Path) -> None:
    lines: list[str] = []
    path = install("tiny", progress=lines.append)
    assert path == tmp_path / "models" / "tiny.onnx"
    assert sha256(path.read_bytes()) == registry.model.onnx_sha256
    assert lines == ["fetching tiny 1.0.0 by npm (1 MB)", "converting tiny", f"installed {path}"]
    assert len(registry.calls) == 1
    assert registry.calls[0].startswith("pack tiny@1.0.0 --pack-destination ")
    registry.npm("exit 1")
    lines.clear()
    assert install("tiny", progress=lines.append) == verify("tiny") == path
    assert (len(registry.calls), lines) == (1, [])


def test_the_receipt_says_what_it_is_and_where_it_comes_from(registry: Registry) -> None:
    receipt = json.loads(install("tiny").with_suffix(".receipt.json").read_text())
    assert receipt.pop("installed_at").endswith("+00:00")
    assert receipt == {
        "model": "tiny",
        "sha256": registry.model.onnx_sha256,
        "source": "npm tiny 1.0.0",
        "source_sha256": registry.model.source.sha256,
        "licence": "Apache-2.0",
        "upstream": "nowhere",
    }


def test_nothing_else_is_left_behind(registry: Registry, tmp_path: Path) -> None:
    install("tiny")
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["tiny.onnx", "tiny.receipt.json"]
    assert not Path(registry.calls[0].split()[3]).exists()


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda path: path.unlink(), "no file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "[0-9a-f]{64}"),
        (lambda path: path.write_bytes(b""), sha256(b"")),
    ],
    ids=["missing", "cut off", "empty"],
)
def test_a_missing_or_altered_model_is_named_and_can_be_mended(
    registry: Registry, harm: Callable[[Path], object], found: str
) -> None:
    path = install("tiny")
    harm(path)
    expected = registry.model.onnx_sha256
    with pytest.raises(
        ModelError,
        match=f"tiny.onnx: expected sha256 {expected}, found {found}; run: lianfang models install tiny",
    ):
        verify("tiny")
    install("tiny")
    assert verify("tiny") == path


def test_the_engine_refuses_an_altered_model(registry: Registry) -> None:
    path = install("tiny")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=f"expected sha256 {registry.model.onnx_sha256}"):
        engine.build(engine.Config(model="tiny"))


def test_a_tarball_that_is_not_the_one_is_refused(registry: Registry, tmp_path: Path) -> None:
    registry.serve(tarball({"package/tiny.json": b"{}"}))
    with pytest.raises(ModelError, match=r"tiny 1.0.0: expected sha256 .*; nothing was installed"):
        install("tiny")
    assert not (tmp_path / "models").exists()


def altered(registry: Registry, **source: object) -> None:
    changed = registry.model.source.model_copy(update=source)
    registry.model = registry.model.model_copy(update={"source": changed})


def test_a_tarball_without_the_file_is_refused(registry: Registry) -> None:
    content = tarball({"package/other.json": b"{}"})
    registry.serve(content)
    altered(registry, sha256=sha256(content))
    with pytest.raises(ModelError, match=r"package/tiny.json is not in the package"):
        install("tiny")


def test_what_is_no_tarball_is_refused(registry: Registry) -> None:
    registry.serve(b"<html>")
    altered(registry, sha256=sha256(b"<html>"))
    with pytest.raises(ModelError, match=r"tiny 1.0.0 is no tar archive"):
        install("tiny")


def test_a_conversion_that_gives_other_bytes_is_refused(registry: Registry, tmp_path: Path) -> None:
    registry.model = registry.model.model_copy(update={"onnx_sha256": "0" * 64})
    with pytest.raises(ModelError, match=r"the conversion of tiny: expected sha256 0{64}"):
        install("tiny")
    assert not (tmp_path / "models").exists()


SECRETS = "npm error 404 Not Found - GET https://user:t0ken@registry.example/tiny"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (f"echo 'npm error code E404' >&2; echo '{SECRETS}' >&2; exit 1", "error E404"),
        (f"echo 'npm ERR! code ENOTFOUND' >&2; echo '{SECRETS}' >&2; exit 1", "error ENOTFOUND"),
        (f"echo '{SECRETS}'; exit 3", "it gave no error code"),
        ("kill -9 $$", "it gave no error code"),
    ],
)
def test_when_npm_fails_the_reason_is_said_and_no_secret(
    registry: Registry, script: str, reason: str
) -> None:
    registry.npm(script)
    with pytest.raises(ModelError) as caught:
        install("tiny")
    assert (
        str(caught.value)
        == f"npm could not fetch tiny@1.0.0: {reason}; to see npm's own words: npm pack tiny@1.0.0"
    )


def test_npm_that_fetches_nothing_is_noticed(registry: Registry) -> None:
    registry.npm("exit 0")
    with pytest.raises(ModelError, match=r"npm fetched 0 files for tiny@1.0.0"):
        install("tiny")


def test_without_npm_it_says_so(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"npm is not installed; it is needed once, to fetch tiny@1.0.0"):
        install("tiny")
    assert registry.calls == []


def test_a_long_fetch_shows_that_it_goes_on(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PROGRESS_S", 0.05)
    done = registry.folder / "done"
    registry.npm(
        f'until [ -e {done} ]; do sleep 0.01; done; cp {registry.folder}/served "$FOLDER/tiny-1.0.0.tgz"'
    )
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            done.touch()

    install("tiny", progress=progress)
    assert lines[1:3] == ["still fetching tiny@1.0.0, 0 s"] * 2


def test_npm_that_hangs_is_given_up_and_ended(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PROGRESS_S", 0.02)
    pid = registry.folder / "pid"
    registry.npm(f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600")

    def progress(_: str) -> None:
        if pid.exists():
            monkeypatch.setattr(fetching, "TIMEOUT_S", 0)

    with pytest.raises(ModelError, match=r"npm has not fetched tiny@1.0.0 within"):
        install("tiny", progress=progress)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


def test_a_folder_that_cannot_be_written_is_named(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=rf"model tiny: cannot write {tmp_path}/file"):
        install("tiny", cache_dir=tmp_path / "file")
    assert len(registry.calls) == 1


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    for call in (install, verify, entry):
        with pytest.raises(ModelError, match=r"no model is called yolo99; known: nanodet-g"):
            call("yolo99")


def test_the_manifest_is_complete() -> None:
    """Every model says whose it is; names of classes are unique."""
    assert "nanodet-g" in manifest()
    for name, model in manifest().items():
        assert model.name == name
        assert model.licence
        assert model.upstream.startswith("https://")
        assert len(set(model.labels)) == len(model.labels)
    assert (manifest()["nanodet-g"].labels[0], len(manifest()["nanodet-g"].labels)) == ("person", 80)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LIANFANG_MODELS": "/srv/models", "XDG_CACHE_HOME": "/cache"}, "/srv/models"),
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/lianfang/models"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/lianfang/models"),
        ({"LIANFANG_MODELS": ""}, "/home/me/.cache/lianfang/models"),
    ],
)
def test_where_models_lie(variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIANFANG_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_cache_dir() == Path(expected)
    assert model_path("x") == Path(expected) / "x.onnx"


@pytest.fixture
def _tiny_command(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    monkeypatch.setattr("detectors.models.commands.manifest", lambda: {"tiny": registry.model})


@pytest.mark.usefixtures("_tiny_command")
def test_the_command_line(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--cache-dir", str(tmp_path / "elsewhere")]
    assert main(["verify", *folder]) == 2
    assert "found no file; run: lianfang models install tiny" in capsys.readouterr().err
    assert main(["list", *folder]) == 0
    assert "found no file" in capsys.readouterr().out
    assert main(["install", *folder]) == 0
    path = tmp_path / "elsewhere" / "tiny.onnx"
    assert capsys.readouterr().out.splitlines()[-1] == f"tiny: {path} sha256 {registry.model.onnx_sha256}"
    assert main(["verify", *folder, "tiny"]) == 0
    assert main(["list", *folder]) == 0
    assert f"licence: Apache-2.0\n  upstream: nowhere\n  installed: {path}" in capsys.readouterr().out
    assert main(["install", *folder, "yolo99"]) == 2
    assert capsys.readouterr().err == "no model is called yolo99; known: tiny\n"


@pytest.mark.parametrize(
    ("stanza", "message"),
    [
        ({"input_size": (640, 380)}, "multiples of 32"),
        ({"input_size": (0, 32)}, "multiples of 32"),
        ({"input_size": (4096, 32)}, "multiples of 32"),
        ({"min_confidence": 0.01}, "greater than or equal to 0.05"),
        ({"nms_iou": 0}, "greater than 0"),
        ({"providers": ()}, "at least 1 item"),
        ({"treshold": 0.3}, "Extra inputs are not permitted"),
    ],
)
def test_settings_out_of_bounds_are_refused(stanza: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Config.model_validate(stanza)


def test_a_provider_that_is_not_there_is_refused(registry: Registry) -> None:
    install("tiny")
    config = engine.Config(model="tiny", providers=("WarpDriveExecutionProvider", "CPUExecutionProvider"))
    with pytest.raises(
        ModelError, match=r"no WarpDriveExecutionProvider here; available: .*CPUExecutionProvider"
    ):
        engine.build(config)
    assert len(registry.calls) == 1
