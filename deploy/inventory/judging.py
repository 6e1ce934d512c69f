"""What is wrong with a configuration that a table makes, at the rows and columns that made it so."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping

from deploy.inventory.rows import Row
from deploy.inventory.sheets import ID
from lianfang.config.faults import Document, validated
from lianfang.config.load import judged
from lianfang.config.model import Config
from lianfang.config.read import SECTIONS
from lianfang.errors import ConfigError, ConfigProblem
from lianfang.table_fault import Fault

Rows = Mapping[tuple[str, ...], Row]
"""The row of each entry: (section, id), or (cameras, id, zones, id)."""


def problems_of(document: Document, rows: Rows) -> list[ConfigProblem]:
    """Return all that is wrong with the whole configuration.

    What is wrong in entries by themselves is found first. What they mean to each other is looked at without
    those; then only what rows of the tables say counts.
    """
    if document.problems:
        return document.problems
    try:
        validated(document, Config)
    except ConfigError as error:
        dropped = {tuple(p.key.split(".")[:2]) for p in error.problems if p.key.split(".")[0] in SECTIONS}
        return [*error.problems, *_without(document, dropped, rows)]
    return _judged(document)


def _judged(document: Document) -> list[ConfigProblem]:
    try:
        judged(document)
    except ConfigError as error:
        return error.problems
    return []


def _without(document: Document, dropped: set[tuple[str, ...]], rows: Rows) -> Iterator[ConfigProblem]:
    rest = copy.copy(document)
    rest.data = {**document.data}
    for section in {section for section, *_ in dropped}:
        entries = rest.data[section]
        rest.data[section] = {k: v for k, v in entries.items() if (section, k) not in dropped}
    gone = {repr(name) for _, *names in dropped for name in names}
    for problem in _judged(rest):
        if problem.found not in gone and _row_of(problem, rows) is not None:
            yield problem


def faults_of(
    problems: Iterable[ConfigProblem], rows: Rows, known: Iterable[Fault]
) -> Iterator[Fault | ConfigProblem]:
    """Yield the problems, where an entry has a row as faults of that; those in ``known`` cells left out."""
    cells = {(fault.file, fault.sheet, fault.row, fault.column) for fault in known}
    for problem in problems:
        found = _row_of(problem, rows)
        if found is None:
            yield problem
            continue
        row, path = found
        fault = row.fault(path, problem.found, problem.allowed)
        if (fault.file, fault.sheet, fault.row, fault.column) not in cells:
            yield fault


def _row_of(problem: ConfigProblem, rows: Rows) -> tuple[Row, tuple[str, ...]] | None:
    parts = tuple(problem.key.split("."))
    for length in (4, 2):
        if (row := rows.get(parts[:length])) is not None:
            return row, parts[length:] or ID
    return None
