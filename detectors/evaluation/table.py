"""Figures for people: on the terminal, and in a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.evaluation.base import Figure, Report

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_HEAD = ("| figure | value | 95 % interval | n |", "|---|---:|---|---:|")


@dataclass(frozen=True)
class Outcome:
    """What became of one task: its report, or why there is none (``broken``: it should have had one)."""

    task: str
    report: Report | None
    why: str = ""
    broken: bool = False


def lines(outcome: Outcome) -> list[str]:
    """Return the lines that tell a terminal of ``outcome``."""
    if outcome.report is None:
        return [f"{outcome.task}: {'FAILED' if outcome.broken else 'skipped'}: {outcome.why}"]
    rows = [
        f"{name:<40} {figure.value:>9.4g}  {_interval(figure):<17} n={figure.count}"
        for name, figure in outcome.report.figures.items()
    ]
    return [f"{outcome.task}:", *(f"  {row}" for row in rows), *(f"  ({n})" for n in outcome.report.notes)]


def write_rows(page: Path, outcomes: Sequence[Outcome]) -> None:
    """Put the figures between the marks of ``page``; rows of tasks that were not measured now stay.

    ValueError where the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks the marks {BEGIN} and {END}")
    rows = {_name(line): line for line in between.splitlines() if line.startswith("| ")}
    rows.pop("figure", None)
    for outcome in outcomes:
        if outcome.report is None:
            continue
        rows = {name: line for name, line in rows.items() if not name.startswith(f"{outcome.task}.")}
        rows |= {name: _row(name, figure) for name, figure in outcome.report.figures.items()}
    table = "\n".join([*_HEAD, *(rows[name] for name in sorted(rows))])
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _name(row: str) -> str:
    return row.split("|")[1].strip()


def _row(name: str, figure: Figure) -> str:
    return f"| {name} | {figure.value:.4g} | {_interval(figure)} | {figure.count} |"


def _interval(figure: Figure) -> str:
    return "" if figure.interval is None else f"{figure.interval[0]:.3g} – {figure.interval[1]:.3g}"
