"""What every test may rely on."""

from __future__ import annotations

import pytest

from tests.support.configs import SECRETS


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the secrets that the base configuration names."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
