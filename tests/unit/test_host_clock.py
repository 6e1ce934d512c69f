from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lianfang import host_clock
from lianfang.clock import ManualClock
from lianfang.host_clock import HostClock, Sync, kernel_sync

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_the_kernel_is_asked() -> None:
    """It says what it says: this machine's clock may be kept by anybody, or nobody."""
    assert kernel_sync() in ("synchronised", "unsynchronised", "unknown")


@pytest.mark.parametrize(
    ("said", "trusted", "right"),
    [
        ("synchronised", False, True),
        ("unsynchronised", False, False),
        ("unknown", False, False),
        ("unsynchronised", True, True),  # a person knows better
    ],
)
def test_whether_the_host_is_right(
    said: Sync, trusted: bool, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_clock, "kernel_sync", lambda: said)
    assert HostClock(ManualClock(NOON), trusted=trusted).is_right() is right


def test_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Sync] = ["unsynchronised", "synchronised"]
    monkeypatch.setattr(host_clock, "kernel_sync", lambda: answers.pop(0))
    clock = ManualClock(NOON)
    host = HostClock(clock)
    said: list[Sync] = []
    for passed_s in (30, 90):
        clock.advance_to(NOON + timedelta(seconds=passed_s))
        said.append(host.sync)
    assert said == ["unsynchronised", "synchronised"]
