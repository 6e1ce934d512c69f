"""The protocol documents say what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from alerts.channels.base import UNDER_WAY, Outcome
from alerts.incidents.model import ChangeKind, State
from alerts.payload import CaseReceipt, Notice, NoticeMode, Speech
from alerts.pipeline.route import OF_THE_ASSIGNEE, TOLD
from deploy.simulators.commands import Command, Word

PROTOCOLS = Path(__file__).parents[2] / "docs" / "protocols"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by file: of what is sent every field is there, of what comes in what is needed."""
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        "notice.schema.json": draft | Notice.model_json_schema(mode="serialization"),
        "receipt.schema.json": draft | CaseReceipt.model_json_schema(),
    }


@pytest.mark.parametrize("name", schemas())
def test_the_schema_is_written_from_the_code(name: str) -> None:
    # To write it: python -m tests.contract.test_protocols
    assert json.loads((PROTOCOLS / name).read_text(encoding="utf-8")) == schemas()[name]


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    text = (PROTOCOLS / "speaker_http.openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@pytest.mark.parametrize("model", [Command, Speech])
def test_the_command_has_the_bounds_of_the_code(openapi: dict[str, Any], model: type[BaseModel]) -> None:
    written = openapi["components"]["schemas"]["Command"]["properties"]
    fields = model.model_json_schema()["properties"]
    for name in ("text", "volume_pct", "repeat", "priority", "max_s"):
        bounds = {k: v for k, v in fields[name].items() if k not in {"title", "description", "default"}}
        assert written[name] == bounds, name
    assert set(written) == set(Command.model_fields)
    assert set(openapi["components"]["schemas"]["Command"]["required"]) == set(Command.model_fields)


def test_the_words_are_those_of_the_code(openapi: dict[str, Any]) -> None:
    written = set(openapi["components"]["schemas"]["Answer"]["properties"]["outcome"]["enum"])
    assert written == set(get_args(Outcome))
    assert written == set(get_args(Word)) | UNDER_WAY


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("speaker_http.md", get_args(Outcome)),
        ("speaker_http.md", tuple(Command.model_fields)),
        ("webhook.md", tuple(ChangeKind(change) for change in TOLD | OF_THE_ASSIGNEE)),
        ("webhook.md", tuple(State)),
        ("receipts.md", get_args(CaseReceipt.model_fields["step"].annotation)),
        ("webhook.md", ("wgs84", "gcj02", "cgcs2000", *get_args(NoticeMode))),
    ],
)
def test_the_text_leaves_none_out(document: str, words: tuple[str, ...]) -> None:
    text = (PROTOCOLS / document).read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in text] == []


def main() -> None:
    """Write the schemas."""
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False)
        (PROTOCOLS / name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
