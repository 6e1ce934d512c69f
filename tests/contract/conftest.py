"""The stores that promise the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.store import Store
from tests.support.stores import KINDS, Opener, opener


@pytest.fixture(params=KINDS)
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """What opens one store, again and again."""
    with opener(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def store(another: Opener) -> Store:
    return another()
