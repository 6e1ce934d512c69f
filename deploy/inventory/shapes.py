"""What a cell may hold: the shape of each key, from the model of the configuration, and its text."""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel

from lianfang import plugins
from lianfang.config.model import Config
from lianfang.config.stanza import Text

Shape = Literal["text", "integer", "number", "boolean", "list", "corner", "polygon", "usual"]
ALLOWED: Mapping[Shape, str] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "是 or 否, true or false",
    "list": "ids, with spaces or commas between them",
    "corner": "x,y from 0 to 1",
    "polygon": "x,y of each corner from 0 to 1, with ; between them",
    "usual": "{}, or its keys in columns of their own",
}
USUAL, NULL = "{}", "null"
_TRUE, _FALSE = ("true", "yes", "是", "1", "启用"), ("false", "no", "否", "0", "停用")
_PACKAGES = {
    ("cameras", "source"): "ingest.sources",
    ("sensors", "source"): "ingest.sensors",
    ("receivers",): "alerts.channels",
}


def shape_of(section: str, within: str, entry: Mapping[str, Any], path: Sequence[str]) -> Shape | None:
    """Return what stands at ``path`` of an entry of ``section``; None for what no cell can hold.

    ``entry`` is what stands there already or will: it says of which kind a plug-in is.
    """
    model: Any = _model_of(Config.model_fields[section].annotation)
    if within:
        model = _model_of(model.model_fields[within].annotation)
    at: tuple[str, ...] = (section,)
    kind: Any = entry.get("kind")
    for i, name in enumerate(path):
        if not within and (package := _PACKAGES.get(at)):
            if name == "kind":
                return "text"
            if kind not in plugins.kinds(package):
                return None
            model = plugins.load(package, kind).Config
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or name not in model.model_fields:
            return None
        annotation = model.model_fields[name].annotation
        if i == len(path) - 1:
            return _leaf(annotation)
        model = _model_of(annotation)
        at, below = (*at, name), entry.get(name)
        entry = below if isinstance(below, Mapping) else {}
        kind = entry.get("kind")
    return None


def key_named(section: str, within: str, header: str) -> tuple[str, ...] | None:
    """Return the key that a header is, as it stands in a configuration, such as source.transport; None."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", header):
        return None
    path = tuple(header.split("."))
    model = _model_of(Config.model_fields[section].annotation)
    models = [_model_of(model.model_fields[within].annotation)] if within else [model]
    if not within and (package := _PACKAGES.get((section,))):
        models = [plugins.load(package, kind).Config for kind in plugins.kinds(package)]
    return path if any(path[0] in model.model_fields for model in models) else None


def _parts(annotation: Any) -> list[Any]:  # noqa: ANN401 - annotations are anything
    """Return what a value may be: the members of a union but None, without what is annotated to it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _parts(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [part for one in typing.get_args(annotation) for part in _parts(one)]
    return [] if annotation is types.NoneType else [annotation]


def _model_of(annotation: Any) -> Any:  # noqa: ANN401
    """Return the model of a mapping's values, or of a value; None for none."""
    for part in _parts(annotation):
        if typing.get_origin(part) is dict:
            return _model_of(typing.get_args(part)[1])
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _leaf(annotation: Any) -> Shape | None:  # noqa: ANN401
    for part in _parts(annotation):
        origin, arguments = typing.get_origin(part), typing.get_args(part)
        if origin is tuple:
            return _sequence(arguments)
        if part is bool or (origin is typing.Literal and isinstance(arguments[0], bool)):
            return "boolean"
        if part in (int, float):
            return "integer" if part is int else "number"
        if origin in (dict, list):
            return None
        if isinstance(part, type) and issubclass(part, BaseModel) and part is not Text:
            return "usual"
    return "text"


def _sequence(arguments: Sequence[Any]) -> Shape | None:
    if len(arguments) == 2 and arguments[1] is not Ellipsis:
        return "corner" if all(_leaf(one) == "number" for one in arguments) else None
    below = _leaf(arguments[0])
    return {"text": "list", "corner": "polygon"}.get(below or "")  # type: ignore[return-value]


def parsed(shape: Shape, cell: str) -> Any:  # noqa: ANN401
    """Return the value that a cell holds; ValueError where it is none of that shape."""
    return None if cell == NULL else _PARSERS[shape](cell)


def _truth(cell: str) -> bool:
    if cell.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(cell)
    return cell.lower() in _TRUE


def _list(cell: str) -> list[str]:
    return [one for one in re.split(r"[\s,;\uff0c\uff1b\u3001]+", cell) if one]


def _number(cell: str) -> int | float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return int(value) if value == int(value) and "." not in cell else value


def _corner(cell: str) -> list[int | float]:
    x, y = re.split(r"\s*[,\uff0c\s]\s*", cell.strip())
    return [_number(x), _number(y)]


def _polygon(cell: str) -> list[list[int | float]]:
    return [_corner(one) for one in re.split(r"[;\uff1b]", cell) if one.strip()]


def _usual(cell: str) -> dict[str, Any]:
    """Return a mapping without keys: that it is there says something, such as tls: {}."""
    if cell.strip() != USUAL:
        raise ValueError(cell)
    return {}


_PARSERS: Mapping[Shape, Callable[[str], Any]] = {
    "text": str,
    "integer": int,
    "number": _number,
    "boolean": _truth,
    "list": _list,
    "corner": _corner,
    "polygon": _polygon,
    "usual": _usual,
}


def shown(value: Any) -> str | None:  # noqa: ANN401
    """Return plain data as the text of a cell; None for what no cell can hold."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _shown_list(value)
    if isinstance(value, dict):
        return None if value else USUAL
    return str(value)


def _shown_list(value: list[Any]) -> str | None:
    if any(isinstance(one, dict) for one in value):
        return None
    if value and all(isinstance(one, list) for one in value):
        return "; ".join(",".join(map(str, corner)) for corner in value)
    return ("," if value and all(isinstance(one, int | float) for one in value) else " ").join(
        map(str, value)
    )
