"""The base of every stanza of the configuration, and the small types that stanzas share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lianfang.config.meaning import meanings

if TYPE_CHECKING:
    from lianfang.config.model import Config

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})?$")]
"""An administrative division: 6 digits down to the district (GB/T 2260), 9 to the town, 12 to the village."""
DeviceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{20}$")]
"""A code of GA/T 1400 and GB/T 28181: 8 digits centre, 2 industry, 3 type, 7 serial."""
Host = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[^\s/@]+$")]
"""A name or an address."""
Key = tuple[str | int, ...]
Spoken = Literal["zh", "yue", "en"]
"""Languages that speakers speak: Mandarin, Cantonese, English."""
Files = Annotated[
    tuple[Path, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]
"""One file, or several."""


@dataclass(frozen=True)
class Problem:
    """A fault that only the whole configuration shows. ``key`` is relative to the stanza that reports it.

    A ``warning`` is said by ``lianfang check`` and keeps nothing from starting.
    """

    key: Key
    found: str
    allowed: str
    warning: bool = False

    def under(self, *prefix: str | int) -> Problem:
        """Return the same problem as seen from ``prefix`` up."""
        return replace(self, key=(*prefix, *self.key))


class Stanza(BaseModel):
    """A mapping of the configuration: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _note_allowed_keys(cls, data: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """Tell the loader which keys this mapping may have, so that it can say so about a wrong one."""
        if isinstance(info.context, dict) and isinstance(data, dict):
            info.context[id(data)] = sorted(cls.model_fields)
        return data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema with the meaning of each key."""
        found = handler(schema)
        for name, described in handler.resolve_ref_schema(found).get("properties", {}).items():
            if meaning := meanings(cls)[name]:
                described.setdefault("description", meaning)
        return found

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield what is wrong with this stanza in the light of the whole ``config``."""
        del config
        return ()


class Secret(Stanza):
    """A secret that stands outside the configuration: in a file or in the environment."""

    file: Path | None = None
    """File whose content, less the final line end, is the secret; relative to the configuration."""
    env: str | None = None
    """Name of the environment variable that holds the secret."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.file is None) == (self.env is None):
            raise ValueError("exactly one of 'file' and 'env'")
        return self

    def read(self) -> str:
        """Return the secret; LookupError names what is missing, never what it holds."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            source = f"environment variable {self.env}"
        else:
            path = self.file or Path()
            try:
                value = path.read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise LookupError(f"file {path}: {error.strerror}") from error
            source = f"file {path}"
        if not value:
            raise LookupError(f"{source} is unset or empty")
        return value

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a problem if the secret cannot be read now."""
        del config
        try:
            self.read()
        except LookupError as error:
            yield Problem((), str(error), "a readable, non-empty secret")


class Text(Stanza):
    """A text for people, in the languages of the community. A plain string is the Chinese one."""

    zh: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """Chinese."""
    yue: Annotated[str, StringConstraints(max_length=500)] = ""
    """Cantonese, for speakers only; a Cantonese voice reads the Chinese text where it is empty."""
    en: str = ""
    """English; the Chinese text stands in where it is empty."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:  # noqa: ANN401
        return {"zh": data} if isinstance(data, str) else data

    def in_language(self, language: str) -> str:
        """Return the text in ``language``, the Chinese one where that is missing."""
        return self.en if language == "en" and self.en else self.zh

    def spoken(self, language: Spoken) -> tuple[Spoken, str]:
        """Return the language that it is really said in, and the text, where ``language`` is asked for."""
        if language == "en":
            return ("en", self.en) if self.en else ("zh", self.zh)
        return language, (self.yue or self.zh) if language == "yue" else self.zh


def one_of(names: Iterable[str]) -> str:
    """Return what an error says is allowed where only these names are."""
    listed = ", ".join(sorted(names))
    return f"one of {listed}" if listed else "nothing: none is configured"
