"""A recorded drill on disk: ``data_dir/drills/<camera>/<name>/``, readable by its owner alone.

``drill.yaml`` says what must be raised and when. The pictures are the JPEGs that the bus would have carried,
each named by the milliseconds since the first one: ``0012400.jpg``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

import simplejpeg
import yaml
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from lianfang.config import Id, Stanza
from lianfang.errors import ConfigError, ConfigProblem
from lianfang.events import Frame

FILE = "drill.yaml"
MAX_SECONDS = 600.0
"""The longest drill: about 3000 pictures, 300 MB."""


class Drill(Stanza):
    """What a recorded drill expects: the rule raises an alarm between the two times."""

    version: Literal[1] = 1
    """Of this format."""
    rule: Id
    """The rule that must raise an alarm."""
    recorded_at: AwareDatetime
    """When the first picture was taken."""
    start_s: float = Field(ge=0, le=MAX_SECONDS)
    """When the staged event begins, in seconds after the first picture."""
    end_s: float = Field(gt=0, le=MAX_SECONDS)
    """When the alarm must have been raised at the latest."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError(f"an end_s after start_s, which is {self.start_s:g}")
        return self


def camera_folder(data_dir: Path, camera_id: str) -> Path:
    """Return where the drills of a camera lie; it may not be there."""
    return data_dir / "drills" / camera_id


def recorded(data_dir: Path, camera_id: str | None = None) -> list[Path]:
    """Return the folders of the recorded drills, of one camera or of all, sorted."""
    return sorted(file.parent for file in (data_dir / "drills").glob(f"{camera_id or '*'}/[a-z]*/{FILE}"))


def write(folder: Path, drill: Drill) -> None:
    """Write what ``folder`` expects."""
    text = yaml.safe_dump(drill.model_dump(mode="json"), sort_keys=False)
    keep(folder / FILE, text.encode())


def read(folder: Path) -> Drill:
    """Return what ``folder`` expects; ConfigError names the file, each wrong key, and what is allowed."""
    file = folder / FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Drill.model_validate(content)
    except ValidationError as error:
        problems = [
            ConfigProblem(file, 0, ".".join(map(str, one["loc"])), repr(one["input"])[:120], one["msg"])
            for one in error.errors(include_url=False)
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problems = [ConfigProblem(file, 0, "", str(error).partition("\n")[0], "a readable YAML file")]
    raise ConfigError(problems)


def keep(file: Path, content: bytes) -> None:
    """Write a new file that only its owner may read; FileExistsError where there is one."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)


def picture_file(folder: Path, after: timedelta) -> Path:
    """Return the file of the picture that was taken ``after`` the first one."""
    return folder / f"{after // timedelta(milliseconds=1):07d}.jpg"


def frames(folder: Path, camera_id: str, drill: Drill) -> Iterator[Frame]:
    """Yield the pictures in order, as the bus would carry them; ValueError where one is no JPEG."""
    for seq, file in enumerate(sorted(folder.glob("[0-9]*.jpg"))):
        pixels = file.read_bytes()
        height, width, _, _ = simplejpeg.decode_jpeg_header(pixels)
        at = drill.recorded_at + timedelta(milliseconds=int(file.stem))
        yield Frame(camera_id, f"drill {folder.name}", seq, at, at, width, height, "jpeg", pixels)
