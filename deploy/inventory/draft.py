"""A configuration as plain data with changes in it, and the same changes made in its files."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from lianfang.config.faults import Document
from lianfang.config.stanza import Key

GONE = object()
"""The value of a key that is to be no more."""


@dataclass
class Draft:
    """What is to stand in a configuration; ``edits`` are the keys that change, by file and in order."""

    document: Document
    into: Path
    """The file in which new entries stand."""
    edits: dict[Path, list[tuple[Key, Any]]] = field(default_factory=dict)
    data: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.data = copy.deepcopy(self.document.data)

    def get(self, key: Key) -> Any:  # noqa: ANN401
        """Return what stands at a key, None for nothing."""
        return value_at(self.data, key)

    def set(self, key: Key, value: Any) -> None:  # noqa: ANN401
        """Let ``value`` stand at a key, in the file of its entry; GONE for nothing."""
        known = key[:2] in self.document.files or key[:2] in self.document.lines
        file = self.document.file_of(key) if known else self.into
        self.edits.setdefault(file, []).append((key, value))
        _change(self.data, key, value, dict)

    def texts(self, before: Mapping[Path, str]) -> dict[Path, str]:
        """Return the new text of each file that changes; what it does not change stays as it was written."""
        return {file: _edited(before.get(file, ""), edits) for file, edits in self.edits.items()}


def value_at(data: Any, key: Sequence[str | int]) -> Any:  # noqa: ANN401
    """Return what stands at ``key`` in plain data, None for nothing."""
    for part in key:
        if not isinstance(data, dict):
            return None
        data = data.get(part)
    return data


def _change(data: Any, key: Key, value: Any, mapping: type[dict[Any, Any]]) -> None:  # noqa: ANN401
    """Set a key below ``data``; what was a text and gets other languages stays its Chinese."""
    *above, last = key
    at, way = data, []
    for part in above:
        below = at.get(part)
        if not isinstance(below, dict):
            if value is GONE:
                return
            below = at[part] = mapping({"zh": below} if isinstance(below, str) else {})
        way.append((at, part))
        at = below
    if value is not GONE:
        at[last] = copy.deepcopy(value) if mapping is dict else _written(value)
        return
    at.pop(last, None)
    while not at and len(way) > 2:  # an empty mapping within an entry says nothing
        at, part = way.pop()
        del at[part]


class _Representer(RoundTripRepresenter):
    """Writes numbers as PyYAML reads them: to it 1e-05 is a text, and 1.0e-05 is none."""


_Representer.add_representer(
    float,
    lambda writer, value: writer.represent_scalar(
        "tag:yaml.org,2002:float", yaml.safe_dump(value).split()[0]
    ),
)


def _edited(text: str, edits: Sequence[tuple[Key, Any]]) -> str:
    """Return a YAML text with changes in it, comments and order as they were."""
    writer = YAML()
    writer.Representer = _Representer
    writer.preserve_quotes = True
    writer.width = 4096
    document = writer.load(text) if text.strip() else None
    if document is None:
        document = CommentedMap()
    for key, value in edits:
        _change(document, key, value, CommentedMap)
    written = io.StringIO()
    writer.dump(document, written)
    return written.getvalue()


def _written(value: Any) -> Any:  # noqa: ANN401
    """Return a value as it is written: lists on one line, and quoted what would be read as no text."""
    if isinstance(value, dict):
        return CommentedMap({key: _written(item) for key, item in value.items()})
    if isinstance(value, list):
        line = CommentedSeq(_written(item) for item in value)
        line.fa.set_flow_style()
        return line
    if isinstance(value, str) and not _reads_as_itself(value):
        return DoubleQuotedScalarString(value)
    return value


def _reads_as_itself(text: str) -> bool:
    try:
        return bool(yaml.safe_load(f"a: {text}\n") == {"a": text})
    except yaml.YAMLError:
        return False
