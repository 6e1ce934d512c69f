"""What can be said of an ultralytics stanza before, and without, the package and torch."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from detectors.engines import ultralytics as engine
from detectors.models import weights as files
from lianfang.config import Problem
from lianfang.errors import ConfigError, ModelError
from tests.support.configs import changed, loaded, write

ROOT = Path(__file__).parents[3]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package seem installed, wherever these tests run."""
    monkeypatch.setattr(engine, "find_spec", lambda name: name)


def config(weights: Path, **keys: object) -> engine.Config:
    return engine.Config.model_validate({"kind": "ultralytics", "weights": weights, **keys})


def problems(weights: Path, **keys: object) -> list[Problem]:
    return list(config(weights, **keys).problems())


def exported(path: Path, names: str | None = "{0: 'person', 1: 'boat'}") -> Path:
    """Write an .onnx file that says what ultralytics has its exports say."""
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [value], [output]))
    if names is not None:
        onnx.helper.set_model_props(model, {"task": "detect", "names": names})
    onnx.save(model, path)
    return path


def openvino(folder: Path) -> Path:
    """Write the files of an OpenVINO export, as far as anyone looks at them before running it."""
    folder.mkdir()
    (folder / "best.xml").write_text("<net/>")
    (folder / "best.bin").write_bytes(b"\0" * 9)
    (folder / "metadata.yaml").write_text("task: detect\nnames:\n  1: boat\n  0: 人\n", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "needs_trust"),
    [
        ("best.pt", True),
        ("BEST.PT", True),
        ("best.onnx.pt", True),
        ("best.torchscript", True),
        ("best.engine", True),
        ("best_saved_model", True),
        ("best.onnx", False),
        ("best.pt.onnx", False),
        ("best.tflite", False),
    ],
)
def test_what_executes_code_needs_trust(tmp_path: Path, name: str, needs_trust: bool) -> None:
    path = tmp_path / name
    path.write_bytes(b"weights")
    untrusted = Problem(
        ("trusted",),
        f"false, but {name} executes code when it is loaded",
        "true, for weights that you trust; .onnx does not need it",
    )
    assert problems(path) == ([untrusted] if needs_trust else [])
    assert problems(path, trusted=True) == []


@pytest.mark.usefixtures("package")
def test_nothing_is_loaded_without_trust_even_where_nobody_has_checked(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(b"weights")
    with pytest.raises(
        ModelError, match=r"trusted: found false, but best\.pt executes code when it is loaded"
    ):
        engine.build(config(path))


@pytest.mark.usefixtures("package")
def test_a_fault_is_told_with_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"weights")
    stanza = {"kind": "ultralytics", "weights": "best.pt", "trusted": False}
    file = write(tmp_path, changed(("detectors.objects.engine", stanza)))
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, ("detectors.objects.engine", stanza))
    (problem,) = caught.value.problems
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "trusted:" in text)
    assert (problem.line, problem.key) == (line, "detectors.objects.engine.trusted")


@pytest.mark.usefixtures("package")
def test_the_checksum_pins_the_weights(tmp_path: Path) -> None:
    path = exported(tmp_path / "best.onnx")
    right, wrong = hashlib.sha256(path.read_bytes()).hexdigest(), "0" * 64
    assert problems(path, sha256=right) == []
    assert problems(path, sha256=wrong) == [
        Problem(("sha256",), f"{wrong}, but {path} has {right}", "its sha256")
    ]
    with pytest.raises(ModelError, match="sha256: found 0000"):
        engine.build(config(path, sha256=wrong))


def test_the_checksum_of_a_folder_is_that_of_the_shell(tmp_path: Path) -> None:
    folder = openvino(tmp_path / "best_openvino_model")
    (folder / "b").mkdir()
    (folder / "b" / "z 人.bin").write_bytes(b"1")
    (folder / "b.txt").write_bytes(b"2")
    command = r"find -L . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"
    shell = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    assert files.digest(folder) == shell.stdout.split()[0]


@pytest.mark.usefixtures("package")
def test_missing_weights_are_never_fetched(tmp_path: Path) -> None:
    path = tmp_path / "yolo26n.pt"  # a name that ultralytics itself would download
    missing = Problem(
        ("weights",),
        f"{path}: No such file or directory",
        "a readable file or folder; nothing is ever downloaded",
    )
    assert problems(path, trusted=True) == [missing]
    with pytest.raises(ModelError, match="No such file"):
        engine.build(config(path, trusted=True))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", ["best", "best.zip", "best.onnx.bak", "best.yaml"])
def test_unknown_formats_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"weights")
    (problem,) = problems(tmp_path / name, trusted=True)
    assert problem.key == ("weights",)
    assert problem.allowed.startswith("a name that ends in one of .onnx, ")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "altered"),
    [
        ("yolov5n.pt", True),
        ("my-yolov5x6.pt", True),
        ("yolov3-tiny.pt", True),
        ("o'hara.onnx", True),
        ("yolov5nu.pt", False),
        ("yolov5n.onnx", False),
        ("yolov8n.pt", False),
    ],
)
def test_names_that_ultralytics_would_alter_are_refused(tmp_path: Path, name: str, altered: bool) -> None:
    (tmp_path / name).write_bytes(b"weights")
    found = problems(tmp_path / name, trusted=True)
    assert [p.allowed for p in found] == (
        ["another name: ultralytics would alter this one"] if altered else []
    )


@pytest.mark.usefixtures("package")
def test_labels_are_read_from_what_can_be_read(tmp_path: Path) -> None:
    onnx_file, folder = exported(tmp_path / "best.onnx"), openvino(tmp_path / "best_openvino_model")
    (tmp_path / "best.pt").write_bytes(b"weights")
    assert config(onnx_file).labels == ("person", "boat")
    assert config(folder).labels == ("人", "boat")
    assert config(tmp_path / "best.pt").labels == ()
    assert config(tmp_path / "best.pt", names=["boat"]).labels == ("boat",)
    assert problems(onnx_file, names=["boat"]) == []
    assert problems(onnx_file, names=["boat", "dog"]) == [
        Problem(("names", 1), "'dog'", "a label of the model: person, boat")
    ]


@pytest.mark.parametrize("names", [None, "{0: 'a', 2: 'b'}", "__import__('os').abort()", "[", "7"])
def test_labels_that_cannot_be_read_are_unknown(tmp_path: Path, names: str | None) -> None:
    assert files.labels(exported(tmp_path / "best.onnx", names)) == ()


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", b"\xff" * 99])
def test_files_that_are_no_onnx_have_no_labels(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.onnx"
    path.write_bytes(content)
    assert files.labels(path) == ()


@pytest.mark.usefixtures("package")
def test_the_labels_of_a_stage_are_checked_against_the_model(tmp_path: Path) -> None:
    exported(tmp_path / "best.onnx")
    stanza = {"kind": "ultralytics", "weights": "best.onnx"}
    assert loaded(tmp_path, ("detectors.objects.engine", stanza)).detectors["objects"]
    with pytest.raises(ConfigError, match="found 'dog'; allowed: a label of the model: person, boat"):
        loaded(tmp_path, ("detectors.objects.engine", stanza), ("detectors.objects.labels", ["dog"]))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"input_size": 100}, "multiples of 32 from 32 to 4096"),
        ({"input_size": [640, 0]}, "multiples of 32 from 32 to 4096"),
        ({"min_confidence": 0}, "greater than or equal to 0.01"),
        ({"nms_iou": 1.5}, "less than or equal to 1"),
        ({"device": ""}, "match pattern"),
        ({"sha256": "abc"}, "match pattern"),
        ({"model": "yolo26n"}, "Extra inputs are not permitted"),
    ],
)
def test_settings_out_of_bounds_are_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(Path("best.onnx"), **keys)


_WITHOUT = """
import sys
from pathlib import Path
for name in ("torch", "torchvision", "ultralytics"):
    sys.modules[name] = None  # what imports it fails, as if it were not installed
from detectors.engines import ultralytics as engine
from lianfang.errors import ModelError
config = engine.Config(kind="ultralytics", weights=Path(sys.argv[1]))
print([(p.key, p.found, p.allowed) for p in config.problems()])
print(config.labels)
try:
    engine.build(config)
except ModelError as error:
    print(error)
"""


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    path = exported(tmp_path / "best.onnx")
    run = subprocess.run(
        [sys.executable, "-c", _WITHOUT, path], cwd=ROOT, check=False, capture_output=True, text=True
    )
    found = "'ultralytics', whose package is not installed"
    allowed = "pip install 'lianfang[ultralytics]' (that package is AGPL-3.0)"
    assert run.stdout.splitlines() == [
        str([(("kind",), found, allowed)]),
        "('person', 'boat')",
        f"{path}: kind: found {found}; allowed: {allowed}",
    ], run.stderr
