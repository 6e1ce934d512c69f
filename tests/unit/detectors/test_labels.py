"""Labels in YOLO's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.labels import labels_of
from lianfang.errors import ModelError


def picture(folder: Path, text: str | None) -> Path:
    """Return a picture's path whose labels are ``text``."""
    (folder / "labels").mkdir()
    if text is not None:
        (folder / "labels" / "a.txt").write_text(text, encoding="utf-8")
    return folder / "images" / "a.jpg"


def test_labels_are_read_with_their_corners(tmp_path: Path) -> None:
    first, second = labels_of(picture(tmp_path, "0 0.5 0.5 0.2 0.4\n\n1 0.1 0.2 0.1 0.2"))
    assert (first.kind, second.kind) == (0, 1)
    assert first.xyxyn == pytest.approx((0.4, 0.3, 0.6, 0.7))


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_picture_may_have_none(tmp_path: Path, text: str | None) -> None:
    assert labels_of(picture(tmp_path, text)) == []


@pytest.mark.parametrize(
    "line",
    ["0 0.5 0.5 0.2", "0 0.5 0.5 0.2 0.4 1", "bag 0.5 0.5 0.2 0.4", "0 0.5 0.5 0 0.4", "0 nan 0.5 0.2 0.4"],
)
def test_what_is_no_label_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(ModelError, match=r"a.txt:2: found '.*'; allowed: class x y width height"):
        labels_of(picture(tmp_path, f"0 0.5 0.5 0.2 0.4\n{line}"))
