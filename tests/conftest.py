"""What every test may rely on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from typing import Any

import pytest

from tests.support import sharing
from tests.support.configs import SECRETS


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what tests import, then or later: there is none, and it takes its time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what lasts longest begin first."""
    sharing.order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401
    """Keep together what shares something."""
    return sharing.scheduler(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long the tests of each folder took."""
    reports = [one for some in terminalreporter.stats.values() for one in some]
    found = sharing.seconds_of(one for one in reports if isinstance(one, pytest.TestReport))
    for folder, seconds in sorted(found.items()):
        terminalreporter.write_line(f"{folder}: {seconds:.0f} s")


def pytest_collection_finish() -> None:
    """Spare tests that open stores the making of each; those that need none do not import it for that."""
    if "alerts.store.store" in sys.modules:
        from tests.support.stores import begin_migrated  # noqa: PLC0415

        begin_migrated()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the secrets that the base configuration names."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
