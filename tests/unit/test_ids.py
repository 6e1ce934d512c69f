from __future__ import annotations

from lianfang.ids import identify, new_epoch


def test_equal_things_have_equal_ids_and_different_ones_do_not() -> None:
    assert identify("a", "x", 1) == identify("a", "x", 1)
    different = [("a", "bc"), ("ab", "c"), ("a", "b", "c"), ("abc",), ("b", "a", "c")]
    assert len({identify(*parts) for parts in different}) == len(different)


def test_ids_are_the_same_in_every_release() -> None:
    # Receivers and stores keep them: this value must never change.
    assert identify("incident", "entry", "bank", "cam", "t") == "913c1fee-9f50-58eb-9950-51a9b4aa4b8b"


def test_epochs_differ() -> None:
    assert len({new_epoch() for _ in range(1000)}) == 1000
