"""What every test may rely on."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.support import sharing
from tests.support.configs import SECRETS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what lasts longest begin first."""
    sharing.order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401
    """Keep together what shares something."""
    return sharing.scheduler(config, log)


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
