"""TensorFlow.js graph models to ONNX: read the files, walk the graph, write a model of any input size."""

from __future__ import annotations

from detectors.models.tfjs.convert import convert

__all__ = ["convert"]
