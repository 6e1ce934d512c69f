"""Sums over times that SQLite and PostgreSQL each say in their own words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

QUARTER_S = 900
"""Every zone of the world is whole quarters of an hour away from UTC."""


class seconds_between(GenericFunction[float]):  # noqa: N801 - it reads as the SQL function that it is
    """Seconds from one time to another."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    begin, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ANN401
    begin, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end} - {begin}))"


class quarter_of(GenericFunction[int]):  # noqa: N801
    """The quarter of an hour since 1970, UTC, in which a time lies."""

    type = Integer()
    inherit_cache = True


@compiles(quarter_of, "sqlite")
def _sqlite_quarter(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ANN401
    (at,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(CAST(strftime('%s', {at}) AS INTEGER) / {QUARTER_S})"


@compiles(quarter_of, "postgresql")
def _postgresql_quarter(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ANN401
    (at,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {at}) / {QUARTER_S}) AS INTEGER)"
