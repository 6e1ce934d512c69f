"""What every test may rely on."""

from __future__ import annotations

import base64

import pytest


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the secrets that the base configuration names."""
    monkeypatch.setenv("TEST_TOKEN", "speaker-token")
    monkeypatch.setenv("TEST_SECRET", "whsec_" + base64.b64encode(b"k" * 32).decode())
