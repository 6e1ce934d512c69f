"""The reference of the configuration, written from the stanzas themselves: ``docs/configuration.md``.

``python -m lianfang.config.reference > docs/configuration.md``; a test fails when the file is not current.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterator
from types import NoneType, UnionType

import annotated_types
from pydantic import BaseModel, WrapValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lianfang import plugins
from lianfang.config.meaning import meanings
from lianfang.config.model import Config
from lianfang.config.stanza import Stanza

_HEAD = """# Configuration

One YAML file, and those that it names as its `inventory`. `lianfang check FILE` says everything that is
wrong with it, by file, line and key. Relative paths are taken from the folder of the file that they stand
in. Ids (the keys of `points`, `cameras`, `zones`, `detectors`, `rules`, `receivers` and `operators`) are a
lower-case letter followed by a–z, 0–9 and _; names may be in any language. A secret is `{file: path}` or
`{env: NAME}`. A text is a string (Chinese) or `{zh: …, en: …}`.

This page is written from the code: `python -m lianfang.config.reference`.
"""
_SHARED = {"Secret", "Text"}  # explained in the head


def main() -> None:
    """Print the reference."""
    sys.stdout.write("\n".join([_HEAD, *_sections()]) + "\n")


def _sections() -> Iterator[str]:
    seen: set[type[BaseModel]] = set()
    waiting: list[tuple[str, type[BaseModel]]] = [("The file", Config)]
    while waiting:
        title, model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        yield f"## {title}\n\n{(model.__doc__ or '').strip()}\n"
        yield "| key | type | default | meaning |\n|---|---|---|---|"
        for name, field in model.model_fields.items():
            shape, meaning = _type(field.annotation, field), _meaning(model, name)
            yield f"| `{name}` | {shape} | {_default(field)} | {meaning} |"
        yield ""
        for name, field in model.model_fields.items():
            waiting += [(f"`{name}`: {title}", m) for title, m in _below(field)]


def _below(field: FieldInfo) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield (title, stanza) for every stanza that the field may hold."""
    for package in _packages(field):
        for kind in plugins.kinds(package):
            config: type[BaseModel] = plugins.load(package, kind).Config
            yield f"`kind: {kind}`", config
    for found in _models(field.annotation):
        if found.__name__ not in _SHARED and found is not Stanza:
            yield found.__name__, found


def _packages(field: FieldInfo) -> Iterator[str]:
    """Yield the plug-in packages of a field: in its own metadata, or in that of its items."""
    for item in (*field.metadata, *_metadata(field.annotation)):
        bound = getattr(item.func, "__self__", None) if isinstance(item, WrapValidator) else None
        if isinstance(bound, plugins.PluginConfig):
            yield bound.package


def _metadata(annotation: object) -> Iterator[object]:
    yield from getattr(annotation, "__metadata__", ())
    for part in typing.get_args(annotation):
        yield from _metadata(part)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _type(annotation: object, field: FieldInfo | None = None) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in _SHAPES:
        return _SHAPES[origin](arguments)
    if origin is tuple:
        inner = [a for a in arguments if a is not Ellipsis]
        return (
            f"list of {_type(inner[0])}"
            if len(arguments) != len(inner)
            else f"[{', '.join(map(_type, inner))}]"
        )
    if annotation is Stanza:
        return "a kind, below"
    name = {
        "str": "text",
        "int": "integer",
        "float": "number",
        "bool": "true or false",
        "Path": "path",
        "IPvAnyNetwork": "network",
    }
    plain = getattr(annotation, "__name__", str(annotation))
    return f"{name.get(plain, plain)}{_bounds(field)}" if field else name.get(plain, plain)


_SHAPES: dict[object, Callable[[tuple[object, ...]], str]] = {
    typing.Annotated: lambda arguments: _type(arguments[0]),
    typing.Union: lambda arguments: " or ".join(_type(a) for a in arguments if a is not NoneType),
    UnionType: lambda arguments: " or ".join(_type(a) for a in arguments if a is not NoneType),
    typing.Literal: lambda arguments: " or ".join(f"`{a}`" for a in arguments),
    dict: lambda arguments: f"mapping of {_type(arguments[1])}",
}


def _bounds(field: FieldInfo) -> str:
    signs = [
        (annotated_types.Ge, "ge", "≥"),
        (annotated_types.Gt, "gt", ">"),
        (annotated_types.Le, "le", "≤"),
        (annotated_types.Lt, "lt", "<"),
    ]
    found = [
        f"{sign} {getattr(item, attribute)}"
        for item in field.metadata
        for kind, attribute, sign in signs
        if isinstance(item, kind)
    ]
    return f" {', '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value in (None, "", (), {}) or value is PydanticUndefined:
        return ""
    shown = list(value) if isinstance(value, tuple) else value
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


def _meaning(model: type[BaseModel], name: str) -> str:
    return " ".join(meanings(model)[name].split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
