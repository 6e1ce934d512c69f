"""The file that is taken out: pictures with the watermark, timeline, receipts, and the digest of each.

Everything in it is text, CSV, JSON, JPEG or MP4, to be read without anything of ours.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from alerts.export import film
from alerts.export.watermark import marked
from alerts.export.words import HEADINGS

Rows = Sequence[Sequence[object]]
CLIP = "clip.mp4"

_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:4px 8px;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}img{max-width:100%;margin:8px 0}h2{margin-top:2rem}"
)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as it is kept; ``by`` is the camera, or the person who took it."""

    name: str
    jpeg: bytes
    taken: str
    by: str

    @property
    def sha256(self) -> str:
        """The digest of what is kept, which has no watermark."""
        return hashlib.sha256(self.jpeg).hexdigest()


@dataclass(frozen=True, slots=True)
class Reel:
    """The clip as it is kept: ``sha256`` is its digest, ``path`` None where it is gone."""

    path: Path | None
    taken: str
    by: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of an incident, as people read it; ``lines`` say who takes it out, when and why.

    ``facts`` are pairs of a heading and a value; ``document`` is everything as JSON.
    """

    title: str
    lines: Sequence[str]
    facts: Sequence[tuple[str, str]]
    timeline: Rows
    deliveries: Rows
    shots: Sequence[Shot]
    document: str
    reel: Reel | None = None


def bundled(contents: Contents) -> bytes:
    """Return the ZIP. A picture or clip that cannot be decoded is left out and named in the report."""
    files: dict[str, bytes] = {}
    pictures: list[tuple[str, str, str, str]] = []
    for shot in contents.shots:
        try:
            files[f"pictures/{shot.name}.jpg"] = marked(shot.jpeg, contents.lines)
            pictures.append((f"pictures/{shot.name}.jpg", shot.taken, shot.by, shot.sha256))
        except ValueError:
            pictures.append((f"{shot.name}: 无法读取", shot.taken, shot.by, shot.sha256))
    if contents.reel is not None:
        reel, name = contents.reel, CLIP
        try:
            if reel.path is None:
                raise FileNotFoundError(CLIP)
            files[CLIP] = film.marked(reel.path, contents.lines)
        except (ValueError, OSError):
            name = f"{CLIP}: 无法读取"
        pictures.append((name, reel.taken, reel.by, reel.sha256))
    tables = {"timeline": contents.timeline, "deliveries": contents.deliveries, "pictures": pictures}
    for name, rows in tables.items():
        files[f"{name}.csv"] = _csv(HEADINGS[name], rows)
    files["incident.json"] = contents.document.encode()
    files["report.html"] = _report(
        contents, tables, [name for name in files if name.endswith(".jpg")]
    ).encode()
    digests = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (*files.items(), ("SHA256SUMS", digests.encode())):
            archive.writestr(name, data)
    return out.getvalue()


def _csv(headings: Sequence[str], rows: Rows) -> bytes:
    """Return a table that Excel opens in Chinese as well; no cell is taken for a formula there."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _report(contents: Contents, tables: dict[str, Rows], pictures: Iterable[str]) -> str:
    headed = {"timeline": "时间线", "deliveries": "送达与回执", "pictures": "图片"}
    facts = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in contents.facts
    )
    marks = "".join(f"<p>{escape(line)}</p>" for line in contents.lines)
    shown = "".join(f'<p><img src="{escape(name)}" alt="{escape(name)}"></p>' for name in pictures)
    if contents.reel is not None:
        shown += f'<p><a href="{CLIP}">{CLIP}</a></p>'
    written = "".join(
        f"<h2>{headed[name]}</h2>{_table(HEADINGS[name], rows)}" for name, rows in tables.items()
    )
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(contents.title)}</title><style>{_STYLE}</style></head><body><h1>{escape(contents.title)}</h1>{marks}"
        f"<table>{facts}</table>{shown}{written}</body></html>\n"
    )


def _table(headings: Sequence[str], rows: Rows) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape('' if cell is None else str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
