"""A platform's day as lines for people, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from alerts.reports.police import Report


def as_json(report: Report) -> str:
    """Return all of it; times are ISO 8601, shares 0-1."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=2, default=str) + "\n"


def as_text(report: Report) -> str:
    """Return it as lines."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    told = report.told
    yield f"{report.receiver}, {report.begin.date().isoformat()}"
    yield (
        f"messages: {told.owed}, accepted {told.accepted}, rejected {told.rejected}, pending {told.pending}"
    )
    yield f"accepted within {report.within_s:g} s: {_share(told.in_time, told.owed)}"
    yield f"incidents of which it said what it makes of them: {told.answered}"
    yield f"pictures that can be read: {_share(told.readable, told.pictures)}"
    yield f"registered: {'not recorded' if report.linked is None else _of_time(report.linked)}"
    yield f"its clock: {_clock(report)}"
    yield from _cameras(report)
    yield f"camera files that are complete: {_share(report.files - len(report.incomplete), report.files)}"
    for camera, keys in sorted(report.incomplete.items()):
        yield f"  {camera}: no {', '.join(keys)}"


def _clock(report: Report) -> str:
    clock = report.clock
    if clock is None:
        return "not compared"
    return (
        f"{clock.least_s:+g} to {clock.most_s:+g} s against ours, {clock.last_s:+g} s at last "
        f"({clock.times} comparisons)"
    )


def _cameras(report: Report) -> Iterator[str]:
    """Yield the mean, and the cameras below 100 %, the worst first."""
    pictures = report.pictures
    if not pictures:
        yield "cameras online: none"
        return
    yield f"cameras online: {_of_time(sum(one.online for one in pictures.values()) / len(pictures))}"
    for name, one in sorted(pictures.items(), key=lambda item: (item[1].online, item[0])):
        if one.online < 1:
            unknown = f", unknown {100 * one.unknown:.1f} %" if one.unknown else ""
            yield f"  {name}: {100 * one.online:.1f} %{unknown}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "none"


def _of_time(share: float) -> str:
    return f"{100 * share:.1f} % of the time"
