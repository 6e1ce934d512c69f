"""What cameras cost, as ``lianfang cameras plan`` measured it last: kept for the console."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

FILE = "camera_costs.json"


class Measured(BaseModel):
    """What one camera costs at its highest rate, in cores of the machine on which it was measured.

    ``not_measured`` says why a generated film was measured in its place; empty where it was itself.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    stream: str
    width: int
    height: int
    source_fps: float
    published_fps: float
    mbit_s: float | None
    decode_cores: float
    encode_cores: float
    detect_cores: float
    bus_cores: float
    cores: float
    not_measured: str


_FILE = TypeAdapter(dict[str, Measured])


def read(data_dir: Path) -> dict[str, Measured]:
    """Return what was measured last, by camera; nothing where nothing was, or where it cannot be read."""
    try:
        return _FILE.validate_json((data_dir / FILE).read_bytes())
    except (OSError, ValidationError):
        return {}


def keep(data_dir: Path, at: datetime, cameras: Mapping[str, Mapping[str, object]]) -> None:
    """Keep what was measured of ``cameras``, beside what was of others; OSError where that fails."""
    known = read(data_dir)
    known |= {name: Measured.model_validate({**told, "at": at}) for name, told in cameras.items()}
    data = {name: one.model_dump(mode="json") for name, one in sorted(known.items())}
    temporary = (data_dir / FILE).with_suffix(".part")
    temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    temporary.replace(data_dir / FILE)
