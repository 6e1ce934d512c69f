"""A form for each kind of rule, made of the JSON schema of its ``Config``: what can be filled in, and how."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from alerts.forms.words import Phrase, glossary, unit
from lianfang import plugins

PACKAGE = "alerts.rules"
Shape = Literal[
    "switch", "number", "choice", "choices", "text", "tags", "words", "schedule", "group", "list", "mapping"
]
"""``words`` is a text in the languages of the community, ``group`` a stanza, ``list`` several stanzas of its
``fields``, or texts where it has none, ``mapping`` names with values."""
Pick = Literal["cameras", "zones", "lines", "sensors", "speakers", "receivers", "rules", "labels", "files"]
"""Of what there is in the configuration: the choices of a form."""
Section = Literal["what", "where", "when", "who", "more"]

_PICKS: Mapping[str, Pick] = {
    "cameras": "cameras",
    "exits": "cameras",
    "zones": "zones",
    "lines": "lines",
    "sensors": "sensors",
    "sensor": "sensors",
    "speakers": "speakers",
    "receiver": "receivers",
    "dispositions": "receivers",
    "inhibited_by": "rules",
    "labels": "labels",
    "list": "files",
}
_WHERE = ("cameras", "exits", "zones", "match", "lines", "sensors")
_WHO = ("severity", "life_safety", "record_only", "speech", "speakers", "notify")
_WHEN = ("active", "rush")
_SHARED = (
    "enabled",
    "join_s",
    "cleared_after",
    "noisy_after",
    "trial_days",
    "inhibited_by",
    "within_s",
    "clip",
    "closes_itself",
    "min_confidence",
    "having",
    "together",
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Option(_Model):
    """A value that can be chosen."""

    value: str
    label: Phrase


class Field(_Model):
    """One key of a stanza. ``minimum`` itself is allowed unless it is ``above``; None is no bound.

    ``nullable``: it may be left out, which is something of its own; else ``default`` holds where it is.
    """

    key: str
    shape: Shape
    section: Section
    label: Phrase
    help: Phrase
    unit: Phrase | None = None
    required: bool = False
    nullable: bool = False
    default: Any = None
    whole: bool = False
    minimum: float | None = None
    above: bool = False
    maximum: float | None = None
    options: list[Option] = []
    pick: Pick | None = None
    many: bool = False
    fields: list[Field] = []


class Form(_Model):
    """A kind of rule: what it is called, what it is about, and what can be filled in."""

    kind: str
    label: Phrase
    help: Phrase
    fields: list[Field]


@lru_cache(maxsize=1)
def forms() -> list[Form]:
    """Return the form of every kind of rule."""
    return [_form(kind) for kind in plugins.kinds(PACKAGE)]


def _form(kind: str) -> Form:
    config: type[BaseModel] = plugins.load(PACKAGE, kind).Config
    schema = config.model_json_schema()
    label = glossary().kinds[kind]
    return Form(
        kind=kind,
        label=Phrase(zh=label.zh, en=label.en),
        help=Phrase(zh=label.help, en=_plain(inspect.getdoc(config) or "")),
        fields=list(_fields(schema, schema.get("$defs", {}), kind)),
    )


def _fields(schema: Mapping[str, Any], defs: Mapping[str, Any], table: str) -> Iterator[Field]:
    for key, described in schema["properties"].items():
        if key == "kind" or "const" in described or described.get("maxItems") == 0:
            continue  # there is nothing to choose
        yield _field(key, described, defs, table, required=key in schema.get("required", ()))


def _field(
    key: str, described: Mapping[str, Any], defs: Mapping[str, Any], table: str, *, required: bool
) -> Field:
    label = glossary().key(key, table)
    variants = [one for one in described.get("anyOf", [described]) if one.get("type") != "null"]
    core = _resolved(variants[0], defs)
    about: dict[str, Any] = {
        "key": key,
        "section": _section(key),
        "label": Phrase(zh=label.zh, en=label.en),
        "help": Phrase(zh=label.help, en=_plain(described.get("description", ""))),
        "required": required,
        "nullable": len(variants) < len(described.get("anyOf", [described])),
        "default": described.get("default"),
        "pick": _PICKS.get(key),
        "unit": unit(key),
    }
    return Field(**about, **_shape(key, core, defs))


def _shape(key: str, core: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    kind = core.get("type")
    if kind == "boolean":
        return {"shape": "switch"}
    if kind in ("number", "integer"):
        return {"shape": "number", "whole": kind == "integer", **_bounds(core)}
    if kind == "array":
        return _several(key, core, defs)
    if kind == "object":
        return _stanza(key, core, defs)
    if "enum" in core:
        return {"shape": "choice", "options": _options(key, core["enum"])}
    return {"shape": "choice" if key in _PICKS else "text"}


def _stanza(key: str, core: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" not in core:
        return {"shape": "mapping"}
    if core.get("title") in ("Text", "Schedule"):
        return {"shape": "words" if core["title"] == "Text" else "schedule"}
    return {"shape": "group", "fields": list(_fields(core, defs, key))}


def _several(key: str, core: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    items = core["items"]
    item = _resolved(items, defs)
    values = [v for one in item.get("anyOf", [item]) for v in one.get("enum", ())]
    if values:
        return {"shape": "choices", "many": True, "options": _options(key, values)}
    if item.get("type") == "object":
        fields = [] if item.get("title") == "Text" else list(_fields(item, defs, key))
        return {"shape": "list", "many": True, "fields": fields}
    return {"shape": "choices" if key in _PICKS else "tags", "many": True}


def _options(key: str, values: list[str]) -> list[Option]:
    return [Option(value=value, label=glossary().value(key, value)) for value in values]


def _bounds(core: Mapping[str, Any]) -> dict[str, Any]:
    lower = core.get("exclusiveMinimum", core.get("minimum"))
    return {"minimum": lower, "above": "exclusiveMinimum" in core, "maximum": core.get("maximum")}


def _resolved(described: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = described.get("$ref", "")
    found: Mapping[str, Any] = defs[reference.rpartition("/")[2]] if reference else described
    return found


def _section(key: str) -> Section:
    named: tuple[tuple[Section, tuple[str, ...]], ...] = (
        ("where", _WHERE),
        ("when", _WHEN),
        ("who", _WHO),
        ("more", _SHARED),
    )
    return next((section for section, keys in named if key in keys), "what")


def _plain(docstring: str) -> str:
    return " ".join(docstring.replace("``", "").replace("`", "").split())
