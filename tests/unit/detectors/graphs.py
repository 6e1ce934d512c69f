"""Writes small TensorFlow.js graph models, as files have them, to try the converter on."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def _attribute(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"b": value}
        case int():
            return {"i": str(value)}
        case float():
            return {"f": value}
        case str():
            return {"s": base64.b64encode(value.encode()).decode()}
        case [str(), *_]:
            return {"list": {"s": [_attribute(v)["s"] for v in value]}}
        case [int(), *_]:
            return {"list": {"i": [str(v) for v in value]}}
    raise TypeError(f"no attribute: {value!r}")


class GraphFile:
    """A graph with one float32 input called ``input``; methods return the name to refer to."""

    def __init__(self, shape: Sequence[int]) -> None:
        dims = [{"size": str(length)} for length in shape]
        attr = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": dims}}}
        self.shape = tuple(shape)
        self.nodes: list[dict[str, Any]] = [{"name": "input", "op": "Placeholder", "attr": attr}]
        self.specs: list[dict[str, Any]] = []
        self.weights = b""

    def constant(self, values: ArrayLike, stored: str = "float32", scale: float = 1, least: float = 0) -> str:
        """Add a constant stored as float32, int32, float16, or quantised as uint8 or uint16."""
        name = f"constant_{len(self.specs)}"
        array = np.asarray(values)
        dtype = "int32" if stored == "int32" else "float32"
        spec: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": dtype}
        if stored == "float16":
            spec["quantization"] = {"dtype": stored}
        elif stored.startswith("uint"):
            spec["quantization"] = {"dtype": stored, "scale": scale, "min": least, "original_dtype": dtype}
        self.specs.append(spec)
        self.weights += array.astype(np.dtype(stored).newbyteorder("<")).tobytes()
        kind = {"type": "DT_INT32" if stored == "int32" else "DT_FLOAT"}
        shape = {"dim": [{"size": str(n)} for n in array.shape]}
        self.nodes.append({"name": name, "op": "Const", "attr": {"dtype": kind, "value": {"tensor": shape}}})
        return name

    def integers(self, values: ArrayLike) -> str:
        """Add an int32 constant."""
        return self.constant(values, stored="int32")

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        """Add an operation."""
        name = f"{op.strip('_').lower()}_{len(self.nodes)}"
        attr = {key: _attribute(value) for key, value in attributes.items()}
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})
        return name

    def output(self, name: str, source: str) -> None:
        """Make ``source`` an output called ``name``."""
        attr = {"T": {"type": "DT_FLOAT"}}
        self.nodes.append({"name": name, "op": "Identity", "input": [source], "attr": attr})

    def model_json(self) -> bytes:
        """Return model.json; its signature lists every output, a node of type Identity."""
        outputs = {f"{n['name']}:0": {"name": f"{n['name']}:0"} for n in self.nodes if n["op"] == "Identity"}
        return json.dumps(
            {
                "format": "graph-model",
                "modelTopology": {"node": self.nodes, "library": {}, "versions": {}},
                "signature": {"inputs": {"input:0": {"name": "input:0"}}, "outputs": outputs},
                "weightsManifest": [{"paths": ["weights.bin"], "weights": self.specs}],
            }
        ).encode()
