"""``kind: ultralytics``: weights of any format that ultralytics loads. Optional: it is AGPL-3.0."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from detectors.engines.base import Detections, Engine, require_image
from detectors.models import weights as files
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.errors import ModelError

_TASKS = ("detect", "segment", "pose")  # those that give upright boxes
_INSTALL = "pip install 'lianfang[ultralytics]' (that package is AGPL-3.0)"


class Config(Stanza):
    """Weights of your own, run by ultralytics: AGPL-3.0, and so is what it trains."""

    kind: Literal["ultralytics"]
    weights: Path
    """File or folder: .pt, .onnx, .torchscript, .engine, …_openvino_model; relative to this file."""
    trusted: bool = False
    """.pt files execute code when loaded: true only for weights that you trust. .onnx does not need it."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Checksum that the weights must have; any where not given."""
    names: tuple[str, ...] = ()
    """Labels that you count on: the model must have them. A .pt file does not tell before it is run."""
    input_size: int | tuple[int, int] | None = None
    """Side, or width and height, in pixels that pictures are fitted into; the model's own where not given."""
    min_confidence: float = Field(default=0.2, ge=0.01, le=1)
    """Weaker detections are dropped."""
    nms_iou: float = Field(default=0.7, gt=0, le=1)
    """Of two boxes of one class that overlap more, the stronger stays; some exports do without."""
    device: str = Field(default="cpu", pattern=r"^[a-z0-9:]+$")
    """What runs it, as ultralytics calls it: cpu, cuda:0, mps, intel:gpu."""
    intra_op_threads: int = Field(default=1, ge=1, le=64)
    """Threads inside one call, for every such model of the process; more workers use the cores better."""

    @field_validator("input_size")
    @classmethod
    def _multiples(cls, size: int | tuple[int, int] | None) -> int | tuple[int, int] | None:
        sides = () if size is None else (size,) if isinstance(size, int) else size
        if any(side % 32 or not 32 <= side <= 4096 for side in sides):
            raise ValueError("a side or [width, height], multiples of 32 from 32 to 4096")
        return size

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model can find, as far as that is known without running it."""
        return self.names or files.labels(self.weights)

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield a problem if the package is missing, or the weights are missing, untrusted or others."""
        del config
        return self.problems()

    def problems(self) -> Iterable[Problem]:
        """Yield what keeps the model from being loaded, without loading it."""
        if find_spec("ultralytics") is None:
            yield Problem(("kind",), "'ultralytics', whose package is not installed", _INSTALL)
        path = self.weights
        if not files.is_known(path):
            yield Problem(("weights",), str(path), f"a name that ends in one of {', '.join(files.ENDINGS)}")
            return
        if files.is_rewritten(path):
            # It would look for a file of another name, and ask the net for it.
            yield Problem(("weights",), str(path), "another name: ultralytics would alter this one")
        if not self.trusted and files.executes_code(path):
            found = f"false, but {path.name} executes code when it is loaded"
            yield Problem(("trusted",), found, "true, for weights that you trust; .onnx does not need it")
        yield from self._content()

    def _content(self) -> Iterable[Problem]:
        try:
            digest = files.digest(self.weights)
        except OSError as error:
            reason = f"{self.weights}: {error.strerror}"
            yield Problem(("weights",), reason, "a readable file or folder; nothing is ever downloaded")
            return
        if self.sha256 not in {None, digest}:
            yield Problem(("sha256",), f"{self.sha256}, but {self.weights} has {digest}", "its sha256")
        known = files.labels(self.weights)
        for i, name in enumerate(self.names):
            if known and name not in known:
                yield Problem(("names", i), repr(name), f"a label of the model: {', '.join(known)}")


def build(config: Config, cache_dir: Path | None = None) -> Engine:
    """Load, check and warm up the model.

    Raises ModelError where the package or the weights are missing, untrusted, altered or cannot run here.
    """
    del cache_dir
    problem = next(iter(config.problems()), None)
    if problem is not None:
        key = ".".join(map(str, problem.key))
        raise ModelError(f"{config.weights}: {key}: found {problem.found}; allowed: {problem.allowed}")
    return _UltralyticsEngine(config)


class _UltralyticsEngine:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = config.weights.absolute()
        self._digest = files.digest(self._path)
        # A predictor keeps the picture in hand in its attributes: it serves one thread at a time. There come
        # to be as many as threads detect at once; a lock around one would leave cores idle.
        self._free: deque[Any] = deque()
        predictor = self._load()
        self._free.append(predictor)
        names: dict[int, str] = predictor.model.names
        self.labels = tuple(names[i] for i in range(len(names)))
        self.model_id = f"{self._path.stem}@{self._digest[:12]}"
        if missing := [name for name in config.names if name not in self.labels]:
            found = ", ".join(self.labels)
            raise ModelError(f"{self._path}: names: the model has no {', '.join(missing)}, only {found}")

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        require_image(image_bgr)
        try:
            predictor = self._free.pop()
        except IndexError:
            predictor = self._load()
        try:
            boxes = predictor(np.ascontiguousarray(image_bgr))[0].boxes
        finally:
            self._free.append(predictor)
        return _detections(*(part.cpu().numpy() for part in (boxes.xyxyn, boxes.conf, boxes.cls)))

    def _load(self) -> Any:  # noqa: ANN401 - a class of a package that need not be there
        """Return another predictor, warm; ModelError where the weights cannot run, or are others by now."""
        # ultralytics replaces modules of the process while it reads a checkpoint.
        with _LOADING:
            if files.digest(self._path) != self._digest:
                raise ModelError(f"{self._path} has changed since it was loaded: start again")
            try:
                predictor = _predictor(self._path, self._config)
            except ModelError:
                raise
            except Exception as error:
                # Two dozen formats, each with a runtime and exceptions of its own.
                raise ModelError(f"{self._path}: ultralytics cannot run it: {error}") from error
        return predictor


_LOADING = threading.Lock()


@cache
def _package() -> Any:  # noqa: ANN401
    """Import ultralytics so that it sends and fetches nothing and writes to a folder of its own.

    It reads its environment when it is imported, and would else note its settings in the home folder, report
    what it is used for, and install packages that it misses.
    """
    folder = tempfile.mkdtemp(prefix="lianfang-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0")
    package = import_module("ultralytics")
    package.settings.update({"sync": False})
    return package


def _predictor(path: Path, config: Config) -> Any:  # noqa: ANN401
    """Load the weights and let them look at a black picture."""
    package = _package()
    os.environ["ORT_INTRA_OP_NUM_THREADS"] = str(config.intra_op_threads)  # the only way to tell it for .onnx
    model = package.YOLO(str(path))
    if model.task not in _TASKS:
        raise ModelError(f"{path} is made to {model.task}; only models that {', '.join(_TASKS)} give boxes")
    size = _height_width(config)
    height, width = size or (64, 64)
    wanted = {"conf": config.min_confidence, "iou": config.nms_iou, "device": config.device, "verbose": False}
    model.predict(np.zeros((height, width, 3), np.uint8), **wanted, **({"imgsz": size} if size else {}))
    # Choosing a device has set this to ultralytics' own idea.
    import_module("torch").set_num_threads(config.intra_op_threads)
    _accept(path, config, model.predictor)
    return model.predictor


def _height_width(config: Config) -> list[int] | None:
    size = config.input_size
    return None if size is None else [size, size] if isinstance(size, int) else [size[1], size[0]]


def _accept(path: Path, config: Config, predictor: Any) -> None:  # noqa: ANN401
    """Raise ModelError where ultralytics has silently chosen something else than it was asked for."""
    if _height_width(config) not in (None, list(predictor.imgsz)):
        height, width = predictor.imgsz
        raise ModelError(f"{path}: input_size: the model looks at [{width}, {height}] and nothing else")
    if str(predictor.device) == "cpu" and not config.device.startswith(("cpu", "intel")):
        raise ModelError(f"{path}: device: {config.device} could not start; it would run on the CPU")
    names = predictor.model.names
    if len(names) == 999 and names[0] == "class0":  # what ultralytics makes up
        raise ModelError(f"{path} does not say what its classes are called: export it by ultralytics")


def _detections(
    xyxyn: NDArray[np.float32], confidence: NDArray[np.float32], class_id: NDArray[np.float32]
) -> Detections:
    """Return boxes with an area inside the picture, strongest first."""
    xyxyn = np.clip(xyxyn, 0, 1).astype(np.float32)
    order = np.argsort(-confidence, kind="stable")
    order = order[(xyxyn[order, :2] < xyxyn[order, 2:]).all(axis=1)]
    return Detections(xyxyn[order], confidence[order].astype(np.float32), class_id[order].astype(np.int64))
