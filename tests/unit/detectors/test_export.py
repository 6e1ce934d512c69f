"""``lianfang models export``, with a package of our own in place of ultralytics."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from detectors.models import weights as files
from detectors.models.commands import main

PACKAGE = '''
"""Knows what ultralytics' YOLO knows of exporting: it fetches a known name, and writes beside the weights."""
import os
from pathlib import Path
import onnx
from onnx import TensorProto, helper

SEEN = []

class settings:
    @staticmethod
    def update(values):
        SEEN.append(("settings", values))

class YOLO:
    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            if os.environ["YOLO_OFFLINE"] == "1" or self.path.name != "yolo26n.pt":
                raise FileNotFoundError(f"no {self.path.name}")
            self.path.write_bytes(b"fetched")
        self.content = self.path.read_bytes()
        if self.content == b"broken":
            raise EOFError("ran out of input")

    def export(self, **wanted):
        SEEN.append((self.content, wanted))
        value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
        out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
        node = helper.make_node("Relu", ["x"], ["y"])
        model = helper.make_model(helper.make_graph([node], "g", [value], [out]))
        if self.content != b"nameless":
            helper.set_model_props(model, {"names": "{0: 'person', 1: 'boat'}"})
        onnx.save(model, str(self.path.with_suffix(".onnx")))
        return str(self.path.with_suffix(".onnx"))
'''


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with the environment as it was afterwards."""
    monkeypatch.chdir(tmp_path)
    for name in ("YOLO_CONFIG_DIR", "YOLO_AUTOINSTALL", "YOLO_VERBOSE", "YOLO_OFFLINE"):
        monkeypatch.setenv(name, "before")
    return tmp_path


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("packages")
    (folder / "ultralytics.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "ultralytics", raising=False)


def export(*arguments: str) -> int:
    return main(["export", "--from", "ultralytics", *arguments])


def seen() -> list[tuple[object, dict[str, object]]]:
    found: list[tuple[object, dict[str, object]]] = sys.modules["ultralytics"].__dict__["SEEN"]
    return found


@pytest.mark.usefixtures("package")
def test_a_trusted_file_becomes_onnx_elsewhere(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "in").mkdir()
    (place / "in" / "site.pt").write_bytes(b"weights")
    assert export("in/site.pt", "--trusted", "--output", "out/river.onnx", "--input-size", "640", "384") == 0
    output = place / "out" / "river.onnx"
    assert files.labels(output) == ("person", "boat")
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    said = capsys.readouterr().out
    assert f"out/river.onnx sha256 {digest}" in said
    assert "finds: person, boat" in said
    assert "kind: ultralytics" in said
    assert [path.name for path in (place / "in").iterdir()] == ["site.pt"]
    # It reports nothing, and looks at a height before a width.
    settings, (content, wanted) = seen()
    assert settings == ("settings", {"sync": False})
    assert content == b"weights"
    assert wanted == {"format": "onnx", "simplify": False, "device": "cpu", "imgsz": [384, 640]}
    assert (os.environ["YOLO_OFFLINE"], os.environ["YOLO_AUTOINSTALL"]) == ("1", "0")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", ["yolo26n", "yolo26n.pt"])
def test_a_name_is_fetched_and_leaves_only_the_onnx(name: str, place: Path) -> None:
    assert export(name) == 0
    assert [path.name for path in place.iterdir()] == ["yolo26n.onnx"]
    assert seen()[-1][0] == b"fetched"


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("arguments", "content", "reason"),
    [
        (["site.pt"], b"weights", "executes code when it is loaded"),
        (["gone.pt", "--trusted"], None, "gone.pt: no such file"),
        (["../yolo26n.pt", "--trusted"], None, "no such file"),
        (["site.onnx", "--trusted"], b"weights", "only .pt files"),
        (["site.pt", "--trusted"], b"broken", "ultralytics cannot export it: ran out of input"),
        (["site.pt", "--trusted"], b"nameless", "does not say what its classes are called"),
        (["site.pt", "--trusted", "--output", "taken.onnx"], b"weights", "taken.onnx exists"),
        (["site.pt", "--trusted", "--output", "taken.onnx/x"], b"weights", "taken.onnx"),
        (["yolo99x"], None, "ultralytics cannot export it: no yolo99x.pt"),
    ],
)
def test_what_cannot_be_exported_is_said(
    arguments: list[str],
    content: bytes | None,
    reason: str,
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (place / "taken.onnx").write_bytes(b"mine")
    if content is not None:
        (place / arguments[0]).write_bytes(content)
    assert export(*arguments) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert (place / "taken.onnx").read_bytes() == b"mine"
    assert not (place / "site.onnx").exists() or arguments[0] == "site.onnx"


def test_without_the_package_it_says_how_to_get_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.models.export.find_spec", lambda _name: None)
    (place / "site.pt").write_bytes(b"weights")
    assert export("site.pt", "--trusted") == 2
    assert "pip install 'lianfang[ultralytics]'" in capsys.readouterr().err
