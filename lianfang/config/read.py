"""A configuration file as plain data with the lines of its keys, and what its inventory holds beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from lianfang.config.faults import Document
from lianfang.config.stanza import Key, one_of
from lianfang.errors import ConfigProblem

SECTIONS = ("points", "cameras", "uplinks", "sensors", "receivers", "grid_cells")
"""What a file of the inventory may hold: what a community has many of."""

Read = Callable[[Path], str]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML has libyaml


def text_of(file: Path) -> str:
    """Return what stands in a file; OSError or UnicodeDecodeError where that is no text."""
    return file.read_text(encoding="utf-8")


def document_of(file: Path, read: Read = text_of) -> Document:
    """Return ``file`` with its inventory merged into it; what is wrong with their text is in ``problems``."""
    document = parsed(file, read)
    for part in _inventory(document):
        _merge(document, parsed(part, read))
    return document


def parsed(file: Path, read: Read = text_of) -> Document:
    """Return one file as plain data, with the line of every key and item."""
    document = Document(file)
    try:
        node = yaml.compose(read(file), Loader=_Loader)
        if isinstance(node, yaml.MappingNode):
            document.data = _plain(document, yaml.SafeLoader(""), node, ())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        document.problems.append(ConfigProblem(file, 0, "", reason, "a readable UTF-8 YAML file"))
        return document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        document.problems.append(ConfigProblem(file, line, "", error.problem or "no YAML", "valid YAML"))
        return document
    if not isinstance(node, yaml.MappingNode):
        document.problems.append(ConfigProblem(file, 1, "", "no mapping", "a mapping of sections"))
    return document


def _plain(document: Document, loader: yaml.SafeLoader, node: yaml.Node, key: Key) -> Any:  # noqa: ANN401
    document.lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(document, loader, node, key)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(document, loader, item, (*key, i)) for i, item in enumerate(node.value)]
    return loader.construct_object(node)


def _plain_mapping(
    document: Document, loader: yaml.SafeLoader, node: yaml.MappingNode, key: Key
) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = str(name_node.value)
        here = (*key, name)
        line = name_node.start_mark.line + 1
        if name in mapping:
            found = f"a second {name!r} (the first is on line {document.lines[here]})"
            at = ".".join(map(str, here))
            document.problems.append(ConfigProblem(document.file, line, at, found, "each key once"))
            continue
        document.lines[here] = line
        mapping[name] = _plain(document, loader, value_node, here)
    return mapping


def _inventory(document: Document) -> Iterator[Path]:
    """Yield the files of the inventory that ``document`` names; what is no name, its model refuses."""
    named = document.data.get("inventory") if isinstance(document.data, dict) else None
    for name in [named] if isinstance(named, str) else named if isinstance(named, list) else ():
        if isinstance(name, str):
            yield document.file.parent / Path(name).expanduser()


def _merge(document: Document, part: Document) -> None:
    """Take what ``part`` holds into ``document``: each id once, whichever file it stands in."""
    document.problems += part.problems
    for section, entries in (part.data or {}).items():
        if section not in SECTIONS or not isinstance(entries, dict | None):
            found = f"the section {section!r}" if section not in SECTIONS else "no mapping"
            allowed = one_of(SECTIONS) if section not in SECTIONS else "a mapping of ids"
            document.problems.append(part.problem((section,), found, allowed))
            continue
        known = document.data.setdefault(section, {})
        if not isinstance(known, dict):
            continue  # of which the model says what is wrong with it
        for name, entry in (entries or {}).items():
            if name in known:
                first = document.problem((section, name), "", "")
                found = f"a second {name!r} (the first is in {first.file}, line {first.line})"
                document.problems.append(part.problem((section, name), found, "each id once"))
                continue
            known[name] = entry
            document.files[section, name] = part.file
    document.lines |= {
        key: line for key, line in part.lines.items() if document.files.get(key[:2]) == part.file
    }
