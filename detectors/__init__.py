"""Detectors say what is seen: frames in, observations out."""

import os

# onnxruntime tells its maker what it runs, unless this is set before it is imported; nothing leaves the site.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
