"""A notice as a JSON document of another form, for systems that have one of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from alerts.payload import Notice, NoticeContact, NoticePlace

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PARTS: Mapping[str, Any] = {"place": NoticePlace, "duty_contact": NoticeContact}
FIELDS = (
    *(name for name in Notice.model_fields if name not in {*_PARTS, "pictures", "figures", "clip"}),
    *(f"{part}.{name}" for part, model in _PARTS.items() for name in model.model_fields),
)
"""What may stand in braces: the fields of a notice, as its schema has them."""


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    named = [name for text in _texts(document) for name in _PLACEHOLDER.findall(text)]
    if any(name not in FIELDS for name in named):
        raise ValueError(f"texts with {', '.join(f'{{{name}}}' for name in FIELDS)} only")
    if "mode" not in named:
        raise ValueError("a document in which {mode} stands somewhere: a drill must be known for one")
    json.dumps(document, allow_nan=False)  # ValueError: dates and the like
    return document


Document = Annotated[dict[str, Any], AfterValidator(_checked)]
"""A JSON object in whose texts the names of ``FIELDS`` stand in braces."""


def filled(document: Mapping[str, Any], notice: Notice) -> str:
    """Return the JSON of ``document``. A text that is one name and no more becomes the value, as it is."""
    data = notice.model_dump(mode="json", exclude={"pictures", "clip"})

    def value(name: str) -> Any:  # noqa: ANN401 - JSON
        outer, _, inner = name.partition(".")
        return (data[outer] or {}).get(inner) if inner else data[outer]

    def word(name: str) -> str:
        found = value(name)
        return found if isinstance(found, str) else "" if found is None else json.dumps(found)

    def fill(node: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(node, str):
            alone = _PLACEHOLDER.fullmatch(node)
            return value(alone[1]) if alone else _PLACEHOLDER.sub(lambda found: word(found[1]), node)
        if isinstance(node, Mapping):
            return {name: fill(item) for name, item in node.items()}
        return [fill(item) for item in node] if isinstance(node, list) else node

    return json.dumps(fill(document), ensure_ascii=False)


def _texts(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for item in node.values():
            yield from _texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
