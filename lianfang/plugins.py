"""Plug-ins: ``kind: x`` in the configuration names the module ``<package>.x``, imported only then.

A plug-in exports ``Config``, a pydantic model with the field ``kind``, and ``build``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationInfo, WrapValidator
from pydantic_core import PydanticCustomError

SHARED_MODULES = frozenset({"base"})  # what the plug-ins of a package have in common is no plug-in


def kinds(package: str) -> list[str]:
    """Return the kinds that ``package`` offers, without importing them."""
    path = importlib.import_module(package).__path__
    names = (module.name for module in pkgutil.iter_modules(path))
    return sorted(n for n in names if n not in SHARED_MODULES and not n.startswith("_"))


def load(package: str, kind: str) -> ModuleType:
    """Return the plug-in module ``package.kind``; LookupError if there is none of that kind."""
    if kind not in kinds(package):
        raise LookupError(f"{package} has no kind {kind!r}, only {', '.join(kinds(package))}")
    return importlib.import_module(f"{package}.{kind}")


@dataclass(frozen=True)
class PluginConfig:
    """Annotation of a field that holds the stanza of a plug-in of ``package``.

    ``Annotated[Stanza, PluginConfig("ingest.sources").validator()]`` validates to that plug-in's Config.
    """

    package: str

    def validate(self, value: Any, _default: Callable[[Any], BaseModel], info: ValidationInfo) -> BaseModel:  # noqa: ANN401
        """Return the stanza as its plug-in's ``Config``."""
        if isinstance(value, BaseModel):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("plugin_stanza", "a mapping with the key 'kind'")
        kind = value.get("kind")
        if kind not in kinds(self.package):
            allowed = " | ".join(kinds(self.package))
            raise PydanticCustomError("plugin_kind", "kind: {allowed}", {"allowed": allowed, "found": kind})
        config: type[BaseModel] = load(self.package, kind).Config
        return config.model_validate(value, context=info.context)

    def validator(self) -> WrapValidator:
        """Return the pydantic validator to stand in ``Annotated``."""
        return WrapValidator(self.validate)


def build(package: str, config: BaseModel, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
    """Return what the plug-in named by ``config.kind`` builds from it and the arguments."""
    return load(package, config.kind).build(config, *args, **kwargs)  # type: ignore[attr-defined]
