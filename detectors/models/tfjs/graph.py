"""Reads a TensorFlow.js graph model: nodes in order of computation and constants as arrays.

The format is the one written by tensorflowjs_converter: ``model.json`` with a GraphDef as JSON
(``modelTopology``), a ``signature`` and a ``weightsManifest`` that describes the binary shards.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianfang.errors import ModelError

Array = NDArray[Any]
Json = Mapping[str, Any]

_STORED: dict[str, np.dtype[Any]] = {
    "float16": np.dtype("<f2"),
    "uint8": np.dtype("u1"),
    "uint16": np.dtype("<u2"),
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("?"),
}
_USED: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "int32": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}


@dataclass(frozen=True)
class Node:
    """One operation: ``inputs`` are references (``name`` or ``name:1``), ``attributes`` plain values."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """A whole model; every node stands behind the nodes it reads from."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]


def read_graph(model_json: bytes, weights: bytes) -> Graph:
    """Return the graph of ``model_json`` with its constants taken from ``weights`` (all shards, joined).

    Constants come as float32, int64 or bool arrays, dequantised. Raises ModelError when the two files
    do not belong together or hold a data type that no model here uses.
    """
    try:
        model = json.loads(model_json)
        raw_nodes = [_node(raw) for raw in model["modelTopology"]["node"]]
        specs = [spec for group in model["weightsManifest"] for spec in group["weights"]]
        outputs = sorted(_reference(name) for name in model["signature"]["outputs"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"not a TensorFlow.js graph model: {type(error).__name__} {error}") from error
    constants = _constants(specs, weights)
    return Graph(tuple(_ordered(raw_nodes)), constants, tuple(outputs))


def _reference(name: str) -> str:
    """Drop the output number 0, which TensorFlow writes or leaves out at will."""
    return name.removesuffix(":0")


def _node(raw: Json) -> Node:
    inputs = tuple(_reference(name) for name in raw.get("input", ()) if not name.startswith("^"))
    attributes = {key: _attribute(value) for key, value in raw.get("attr", {}).items()}
    return Node(raw["name"], raw["op"], inputs, attributes)


def _attribute(value: Json) -> Any:  # noqa: ANN401 - an attribute is whatever its operation needs
    """Return the plain value of a GraphDef attribute: JSON keeps 64-bit integers and bytes as text."""
    kind, content = next(iter(value.items()))
    match kind:
        case "i":
            return int(content)
        case "s":
            return base64.b64decode(content).decode()
        case "shape":
            return [int(dim["size"]) for dim in content.get("dim", ())]
        case "list":
            return [_attribute({part: item}) for part, items in content.items() for item in items]
    return content


def _constants(specs: list[Json], weights: bytes) -> dict[str, Array]:
    constants: dict[str, Array] = {}
    offset = 0
    for spec in specs:
        quantised = spec.get("quantization", {})
        stored = _STORED.get(quantised.get("dtype", spec["dtype"]))
        used = _USED.get(spec["dtype"])
        if stored is None or used is None:
            raise ModelError(f"weight {spec['name']}: data type {spec['dtype']} is not supported")
        count = int(np.prod(spec["shape"], dtype=np.int64))
        if offset + count * stored.itemsize > len(weights):
            raise ModelError(f"weight {spec['name']}: the weights end after {len(weights)} bytes")
        array = np.frombuffer(weights, dtype=stored, count=count, offset=offset)
        offset += count * stored.itemsize
        if "scale" in quantised:
            array = array * np.float32(quantised["scale"]) + np.float32(quantised["min"])
            array = np.rint(array) if spec["dtype"] == "int32" else array
        constants[spec["name"]] = array.astype(used).reshape(spec["shape"])
    if offset != len(weights):
        raise ModelError(f"the weights hold {len(weights)} bytes where the model describes {offset}")
    return constants


def _ordered(nodes: list[Node]) -> Iterator[Node]:
    """Yield each node after its sources; the file promises no order. Raises ModelError on a cycle."""
    pending = {node.name: node for node in nodes}
    if len(pending) != len(nodes):
        raise ModelError("two nodes share a name")
    while pending:
        ready = [n for n in pending.values() if not any(i.split(":")[0] in pending for i in n.inputs)]
        if not ready:
            raise ModelError(f"the graph has a cycle through {next(iter(pending))}")
        for node in ready:
            yield pending.pop(node.name)
