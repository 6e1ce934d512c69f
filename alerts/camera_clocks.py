"""What is known of a camera's clock: its stream's word and what its picture shows, one of them for people."""

from __future__ import annotations

from alerts.store.schema import CameraStateRow
from lianfang.events import CameraClock, CameraFault


def told(row: CameraStateRow, clock: CameraClock) -> None:
    """Write down what was measured; of a stream and of a picture the newest."""
    key = "picture" if clock.source == "osd" else "stream"
    row.clocks = {**row.clocks, key: clock.model_dump(mode="json")}


def known(row: CameraStateRow) -> CameraClock | None:
    """Return what people are told: what is a fault, else the more precise one; None where there is none."""
    words = [
        CameraClock.model_validate(row.clocks[key]) for key in ("stream", "picture") if key in row.clocks
    ]
    return next((word for word in words if word.off), words[0] if words else None)


def faults(row: CameraStateRow) -> list[str]:
    """Return what is wrong with what a camera shows, the time in its picture among it."""
    clock = known(row)
    wrong = {CameraFault.WRONG_CLOCK.value} if clock is not None and clock.off else set()
    return sorted({*row.faults} | wrong)
