"""How cameras are called: a template, and which names break it or are given twice."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from lianfang.config.stanza import Problem

if TYPE_CHECKING:
    from lianfang.config.model import Config

_NUMBER = 1_000_000


def _template(value: str) -> str:
    """Return ``value`` if names can be made of it and told apart; ValueError says what is allowed."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(value) if field is not None]
        one, other = (value.format(point="p", n=n) for n in (1, _NUMBER))
    except (ValueError, KeyError, IndexError, AttributeError):
        fields, one, other = [], "", ""
    if value and (sorted(fields) != ["n", "point"] or one == other):
        raise ValueError("a text with {point} and {n} once each, such as {point}-{n:02d}号枪机")
    return value


NameTemplate = Annotated[str, AfterValidator(_template)]
"""A template of names: "" for none."""


def number_in(name: str, template: str, point: str) -> int | None:
    """Return the number that a camera of the point called ``point`` has in its name; None if it breaks it."""
    before, _, after = template.format(point=point, n=_NUMBER).partition(str(_NUMBER))
    found = re.fullmatch(f"{re.escape(before)}([0-9]{{1,6}}){re.escape(after)}", name)
    number = int(found[1]) if found else 0
    return number if number > 0 and template.format(point=point, n=number) == name else None


def next_name(template: str, point: str, taken: Collection[str]) -> str:
    """Return the name of the next camera at a point: no number is given again while another has it."""
    names = (template.format(point=point, n=n) for n in itertools.count(1))
    return next(name for name in names if name not in taken)


def misnamed(config: Config) -> Iterable[Problem]:
    """Yield, as warnings, cameras whose names break the template of the community, and names given twice."""
    template = config.community.camera_names
    if not template:
        return
    first: dict[str, str] = {}
    for camera_id, camera in config.cameras.items():
        yield from _wrong(config, camera_id, template)
        other = first.setdefault(camera.name, camera_id)
        if other != camera_id:
            found = f"{camera.name!r}, as {other} is called"
            yield Problem(("cameras", camera_id, "name"), found, "a name of its own", warning=True)


def _wrong(config: Config, camera_id: str, template: str) -> Iterator[Problem]:
    camera = config.cameras[camera_id]
    point = config.points.get(camera.point)
    if point is not None and number_in(camera.name, template, point.name) is None:
        allowed = f"such as {template.format(point=point.name, n=1)!r} (community.camera_names)"
        yield Problem(("cameras", camera_id, "name"), repr(camera.name), allowed, warning=True)
