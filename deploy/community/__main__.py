"""``python -m deploy.community [FOLDER]``: write the invented community anew, always the same."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from deploy.community import devices
from deploy.community.places import places
from deploy.community.site import HEAD, site

FOLDER = Path(__file__).parents[2] / "configs" / "community"
_MADE = "# Made by `python -m deploy.community`: change that, or copy this.\n"
_PASSES = "card,plate,from,until\n00000001,,,\n,粤T00001,,\n"
_WANTED = "plate,from,until\n粤T00001,,\n"


def files() -> dict[str, str]:
    """Return the name and the text of each file."""
    placed = places()
    parts = {
        "points.yaml": {"points": devices.points(placed)},
        "cameras.yaml": {"cameras": devices.cameras(placed)},
        "speakers.yaml": {"receivers": devices.speakers(placed)},
        "sensors.yaml": {"sensors": devices.sensors(placed)},
        "grid.yaml": {"grid_cells": devices.grid_cells(placed), "uplinks": devices.uplinks()},
    }
    inventory = {section: entries for part in parts.values() for section, entries in part.items()}
    texts = {name: _MADE + _yaml(part) for name, part in parts.items()}
    return {"site.yaml": HEAD + _yaml(site(inventory)), **texts, "wanted.csv": _WANTED, "passes.csv": _PASSES}


def _yaml(data: object) -> str:
    """Return YAML without references to what stands above: people are to change one place at a time."""
    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper = type("Dumper", (base,), {"ignore_aliases": lambda _self, _data: True})
    return yaml.dump(
        data, Dumper=dumper, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None
    )


def main() -> int:
    """Write them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.community", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help=f"where ({FOLDER})")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
