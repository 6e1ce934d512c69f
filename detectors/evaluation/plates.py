"""Plates: cut out ones, those of whole pictures, and pictures without any.

``plates/crops``: a picture's name is its text. ``plates/full`` and ``plates/ccpd_difficult``: names of CCPD
(Xu et al. 2018) hold the text, pictures of other names are not counted. ``plates/full_labelled`` has a file
labels.jsonl, ``{"file": …, "plates": [text, …]}`` a line. Without plates: ``general``, the clips, ``np``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from statistics import median
from time import thread_time

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.media import clips_of, pictures
from detectors.plates.read import PlateReader
from detectors.plates.reading import Reading
from detectors.stages.plate import Config, Plate
from detectors.training.samples import read_picture
from lianfang.errors import ConfigError, ConfigProblem
from lianfang.events import DetectedObject
from lianfang.plates import normalised

Image = NDArray[np.uint8]

EACH = 5  # of the pictures of a clip
LIVE_FPS, LIVE_S = 5, 10  # a vehicle stands so long before a camera that gives so many pictures a second
AGAIN_LONG_SIDE = 1280  # of pictures without a clear find: these stand alone, no other look makes up for it
# The order in which CCPD numbers provinces, letters and characters; its O stands for none.
_PROVINCES = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学O"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZO"
_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789O"
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Labelled:
    """A picture and the texts of the plates in it."""

    path: Path
    plates: tuple[str, ...]


@dataclass(frozen=True)
class Read:
    """What was read where ``truth`` stands, and whether it may be acted on."""

    truth: str
    text: str
    accepted: bool


@dataclass(frozen=True)
class Seen:
    """What was read in a whole picture, and how long that took."""

    picture: Labelled
    readings: tuple[Reading, ...]
    took_s: float


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures on ``data``; None where it has no plates.

    ModelError where a model or a picture is unusable, ConfigError where a line of labels.jsonl is none.
    """
    folder = data / "plates"
    crops, full = sorted((folder / "crops").glob("*.jpg")), labelled(folder)
    if not crops and not full:
        return None
    reader = PlateReader(models_dir, again_long_side=AGAIN_LONG_SIDE)
    figures: dict[str, Figure] = {}
    notes: list[str] = []
    if crops:
        read = [_crop(reader, path) for path in crops]
        figures |= of_crops(read)
        wrong = (f"{r.truth} as {r.text or 'nothing'}" for r in read if r.text != r.truth)
        notes.append("crops not read: " + _listed(wrong))
    if full:
        seen = [_picture(reader, picture) for picture in full]
        figures |= of_pictures(seen)
        stage = Plate(Config(kind="plate"), reader)
        took_s = [_live(stage, read_picture(picture.path)) for picture in full]
        figures["plates.ms_live"] = Figure(round(median(took_s) * 1e3, 1), len(full))
        missed = (plate for one in seen for plate in _missed(one.picture.plates, one.readings))
        notes.append("plates not read in pictures: " + _listed(missed))
    few = without_plates(data)
    if first := next(few, None):
        false, count = _false_reads(reader, (first, *few))
        figures["plates.false_reads"] = Figure(float(len(false)), count)
        notes.append("read where no plate is: " + _listed(false))
    return Report(figures, tuple(notes))


def labelled(folder: Path) -> list[Labelled]:
    """Return the pictures of ``folder`` (plates) whose plates are known."""
    paths = [*sorted((folder / "full").glob("*.jpg")), *sorted((folder / "ccpd_difficult").rglob("*.jpg"))]
    named = [Labelled(path, (text,)) for path in paths if (text := ccpd_text(path.stem))]
    return [*named, *_lines(folder / "full_labelled" / "labels.jsonl")]


_SHAPE = '{"file": name, "plates": [text, …]}'


class _Line(BaseModel):
    file: str
    plates: tuple[str, ...]


def _lines(path: Path) -> list[Labelled]:
    found, problems = [], []
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
    for number, row in enumerate(rows, 1):
        if row.strip():
            try:
                line = _Line.model_validate_json(row)
            except ValidationError:
                problems.append(ConfigProblem(path, number, "", row[:120], _SHAPE))
            else:
                found.append(Labelled(path.parent / line.file, tuple(map(normalised, line.plates))))
    if problems:
        raise ConfigError(problems)
    return found


def ccpd_text(stem: str) -> str | None:
    """Return the text in a name of CCPD, "area-tilt-box-corners-text-light-blur"; None for other names."""
    parts = stem.split("-")
    if len(parts) < 5:
        return None
    try:
        province, letter, *others = map(int, parts[4].split("_"))
        return _PROVINCES[province] + _LETTERS[letter] + "".join(_CHARACTERS[i] for i in others)
    except (ValueError, IndexError):
        return None


def without_plates(data: Path) -> Iterator[tuple[str, Image]]:
    """Yield the pictures of ``data`` in which no plate of China is, by their names."""
    paths = sorted(p for p in (data / "general").rglob("*") if p.suffix in {".jpg", ".jpeg", ".png"})
    paths += sorted((data / "plates" / "ccpd_difficult" / "np").glob("*.jpg"))
    for path in paths:
        yield path.name, read_picture(path)
    for clip in clips_of(data):
        for at_s, image in islice(pictures(clip), 0, None, EACH):
            yield f"{clip.name} at {at_s:.1f} s", image


def of_crops(read: Sequence[Read]) -> dict[str, Figure]:
    """Return the figures of plates that were cut out; ``crops_exact_held`` of those never chosen by."""
    held = [r for r in read if is_held(r.truth)]
    accepted = [r for r in read if r.accepted]
    figures = {
        "plates.crops_exact": _right(read),
        "plates.accepted_coverage": proportion(len(accepted), len(read)),
    }
    if held:
        figures["plates.crops_exact_held"] = _right(held)
    if accepted:
        figures["plates.accepted_precision"] = _right(accepted)
    return figures


def is_held(text: str) -> bool:
    """Return whether a plate belongs to the half by which nothing was chosen: a hash of its text decides."""
    return bool(sha256(text.encode()).digest()[0] & 1)


def of_pictures(seen: Sequence[Seen]) -> dict[str, Figure]:
    """Return the figures of whole pictures; an accepted text is right where the picture's labels have it."""
    plates = sum(len(one.picture.plates) for one in seen)
    missed = sum(len(_missed(one.picture.plates, one.readings)) for one in seen)
    figures = {"plates.ms_full": Figure(round(median(one.took_s for one in seen) * 1e3, 1), len(seen))}
    if plates:
        figures["plates.full_read"] = proportion(plates - missed, plates)
    accepted = [r.text in one.picture.plates for one in seen for r in one.readings if r.accepted]
    if accepted:
        figures["plates.full_accepted_precision"] = proportion(sum(accepted), len(accepted))
    return figures


def _right(read: Sequence[Read]) -> Figure:
    return proportion(sum(r.text == r.truth for r in read), len(read))


def _missed(plates: Sequence[str], readings: Sequence[Reading]) -> list[str]:
    """Return the plates that were not read exactly; one reading stands for one plate."""
    return list((Counter(plates) - Counter(reading.text for reading in readings)).elements())


def _crop(reader: PlateReader, path: Path) -> Read:
    reading = reader.read_plate(read_picture(path))
    return Read(normalised(path.stem), reading.text, reading.accepted)


def _picture(reader: PlateReader, picture: Labelled) -> Seen:
    image = read_picture(picture.path)
    begun = thread_time()
    readings = reader.read(image)
    return Seen(picture, readings, thread_time() - begun)


def _live(stage: Plate, image: Image) -> float:
    """Return the seconds of a core that ``stage`` takes for a picture of a vehicle that fills ``image``."""
    camera = stage.open("camera", "epoch")
    car = DetectedObject(track_id="1", label="car", confidence=1, xyxyn=(0, 0, 1, 1))
    begun = thread_time()
    for n in range(LIVE_S * LIVE_FPS):
        camera.look(image, _BEGINNING + timedelta(seconds=n / LIVE_FPS), (car,))
    return (thread_time() - begun) / (LIVE_S * LIVE_FPS)


def _false_reads(reader: PlateReader, named: Iterable[tuple[str, Image]]) -> tuple[list[str], int]:
    """Return what was accepted in pictures without plates, and the number of the pictures."""
    false, count = [], 0
    for name, image in named:
        count += 1
        false += [f"{reading.text} in {name}" for reading in reader.read(image) if reading.accepted]
    return false, count


def _listed(texts: Iterable[str], most: int = 12) -> str:
    found = list(texts)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return (", ".join(found[:most]) or "none") + more
