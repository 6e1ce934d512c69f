"""How tests are shared among workers: what lasts longest begins first, so that none is left alone at the end.

A file stays with one worker, and so does what its tests share, but for the files whose tests each start
everything anew. The seconds are those of two quiet cores, and need not be right: only the order counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

# Seconds of each test, which any worker takes.
_APART = {
    "tests/e2e/test_bad_input.py": 10.0,
    "tests/e2e/test_demo.py": 30.0,
    "tests/e2e/test_kafka.py": 110.0,
    "tests/e2e/test_main_job.py": 50.0,
    "tests/e2e/test_shared_store.py": 60.0,
    "tests/integration/test_without_store.py": 35.0,
}
# Seconds of the file.
_LONG = {
    "tests/e2e/test_clips.py": 120.0,
    "tests/e2e/test_console.py": 90.0,
    "tests/e2e/test_console_guests.py": 30.0,
    "tests/e2e/test_settings.py": 30.0,
    "tests/e2e/test_storm.py": 60.0,
    "tests/e2e/test_wheel.py": 50.0,
    "tests/integration/test_models.py": 60.0,
}
_USUAL_S = 0.3


def order(items: list[pytest.Item]) -> None:
    """Bring ``items`` into the order in which they shall begin."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for item in items:
        seconds[_scope(item.nodeid)] += _USUAL_S
    seconds |= {scope: _APART[file] for scope in seconds if (file := _file(scope)) in _APART}
    seconds |= {file: _LONG[file] for file in seconds if file in _LONG}
    items.sort(key=lambda item: -seconds[_scope(item.nodeid)])


def scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist has no types
    """Return what hands out files, some of them test by test; None where not ``loadfile`` is asked for."""
    if config.getoption("dist") != "loadfile":
        return None
    # One of the environments that run tests does without xdist.
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # noqa: PLC0415

    class Shared(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _scope(nodeid)

    config.option.loadscopereorder = False  # it would begin with the fullest file
    return Shared(config, log)


def seconds_of(reports: Iterable[pytest.TestReport]) -> dict[str, float]:
    """Return how long the tests of each folder took, all workers together: ``{"tests/unit": 12.3}``."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        seconds["/".join(_file(report.nodeid).split("/")[:2])] += report.duration
    return dict(seconds)


def _scope(nodeid: str) -> str:
    return nodeid if _file(nodeid) in _APART else _file(nodeid)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
