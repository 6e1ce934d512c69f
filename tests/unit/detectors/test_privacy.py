"""What the detectors load keeps what it learns to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_onnxruntime_notes_nothing_about_this_machine(tmp_path: Path) -> None:
    """Its telemetry would begin with a device id in the home folder, as soon as it is imported."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))}
    environment["HOME"] = str(tmp_path)
    command = [sys.executable, "-c", "import detectors.engines.onnx"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
