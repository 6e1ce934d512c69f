"""The convention of plug-ins, held for every file that is there."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, UnionType

import annotated_types
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lianfang import plugins
from lianfang.config import Stanza
from lianfang.config.meaning import meanings
from tests.support.configs import changed, write

PACKAGES = (
    "ingest.sources",
    "ingest.sensors",
    "detectors.engines",
    "detectors.stages",
    "alerts.rules",
    "alerts.channels",
)
PLUGINS = [(package, kind) for package in PACKAGES for kind in plugins.kinds(package)]


@pytest.fixture(params=PLUGINS, ids=".".join)
def plugin(request: pytest.FixtureRequest) -> ModuleType:
    package, kind = request.param
    return plugins.load(package, kind)


def kind_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def stanzas(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a stanza and those within it."""
    yield model
    for field in model.model_fields.values():
        for found in models(field.annotation):
            yield from stanzas(found)


def models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models(part)


def numeric(annotation: object) -> bool:
    parts = typing.get_args(annotation) if typing.get_origin(annotation) is UnionType else (annotation,)
    return int in parts or float in parts


def bounds(field: FieldInfo) -> tuple[bool, bool]:
    """Return whether a number has a least and a greatest value."""
    low = any(isinstance(m, annotated_types.Ge | annotated_types.Gt) for m in field.metadata)
    high = any(isinstance(m, annotated_types.Le | annotated_types.Lt) for m in field.metadata)
    return low, high


def validated(model: type[BaseModel]) -> set[str]:
    """Return the fields that the model checks itself."""
    return {n for d in model.__pydantic_decorators__.field_validators.values() for n in d.info.fields}


def test_every_package_has_a_plugin() -> None:
    assert {package for package, _ in PLUGINS} == set(PACKAGES)


def test_the_docstring_begins_with_the_kind(plugin: ModuleType) -> None:
    assert (plugin.__doc__ or "").startswith(f"``kind: {kind_of(plugin)}``: ")


def test_it_exports_its_settings_and_how_it_is_built(plugin: ModuleType) -> None:
    assert issubclass(plugin.Config, Stanza)
    assert plugin.Config.__module__ == plugin.__name__
    first, *_ = inspect.signature(plugin.build).parameters
    assert first == "config"
    assert inspect.getdoc(plugin.build), "build says what it raises"
    assert typing.get_type_hints(plugin.build)["config"] is plugin.Config


def test_its_kind_is_its_name(plugin: ModuleType) -> None:
    kind = plugin.Config.model_fields["kind"].annotation
    assert typing.get_origin(kind) is typing.Literal
    assert typing.get_args(kind) == (kind_of(plugin),)


def test_an_unknown_key_is_refused_everywhere_in_it(plugin: ModuleType) -> None:
    for model in stanzas(plugin.Config):
        assert model.model_config.get("extra") == "forbid", model
    with pytest.raises(ValidationError) as caught:
        plugin.Config.model_validate({"kind": kind_of(plugin), "no_such_key": 1})
    assert ("no_such_key",) in [e["loc"] for e in caught.value.errors() if e["type"] == "extra_forbidden"]


def test_every_key_says_what_it_means(plugin: ModuleType) -> None:
    for model in stanzas(plugin.Config):
        assert inspect.getdoc(model)
        silent = [name for name, said in meanings(model).items() if name != "kind" and not said]
        assert silent == [], model


def test_every_number_has_bounds_and_a_default_within_them(plugin: ModuleType) -> None:
    for model in stanzas(plugin.Config):
        for name, field in model.model_fields.items():
            if not numeric(field.annotation):
                continue
            assert bounds(field) == (True, True) or name in validated(model), f"{model}: {name}"
            if field.default not in (None, PydanticUndefined):
                allowed: TypeAdapter[float] = TypeAdapter(typing.Annotated[float, *field.metadata])
                assert allowed.validate_python(field.default) == field.default, f"{model}: {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_kind_is_answered_with_those_that_there_are(package: str) -> None:
    kinds = plugins.kinds(package)
    with pytest.raises(LookupError, match=f"no kind 'nothing', only {', '.join(kinds)}"):
        plugins.load(package, "nothing")
    stanza = plugins.PluginConfig(package)

    class Holder(BaseModel):
        held: typing.Annotated[Stanza, stanza.validator()]

    for wrong in ({"kind": "nothing"}, {}, {"kind": "base"}, {"kind": "_http"}, {"kind": ["x"]}):
        with pytest.raises(ValidationError) as caught:
            Holder.model_validate({"held": wrong})
        (error,) = caught.value.errors()
        assert error["msg"] == f"kind: {' | '.join(kinds)}"
        assert error["ctx"]["found"] == wrong.get("kind")
    with pytest.raises(ValidationError, match="a mapping with the key 'kind'"):
        Holder.model_validate({"held": "nothing"})


SCRIPT = """
import sys
from pathlib import Path
from lianfang.config import load
load(Path(sys.argv[1]))
print(*sys.modules)
"""


def test_only_what_is_configured_is_imported(tmp_path: Path) -> None:
    video = tmp_path / "a.avi"
    video.touch()
    source = {"kind": "file", "path": str(video)}
    data = changed(
        ("cameras.cam2", ...), ("cameras.cam.source", source), ("cameras.cam.zones.water.speakers", [])
    )
    del data["rules"]["entry"]["speech"], data["receivers"]["horn"]
    data["rules"]["entry"]["cameras"] = ["cam"]
    configured = {
        "ingest.sources.file",
        "detectors.stages.objects",
        "detectors.engines.onnx",
        "alerts.rules.zone_entry",
        "alerts.channels.webhook",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(write(tmp_path, data))], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert {f"{package}.{kind}" for package, kind in PLUGINS} & imported == configured
    # Nor does a configuration need what only the services do.
    assert not {"fastapi", "uvicorn", "sqlalchemy", "deploy"} & imported
    assert len(PLUGINS) > len(configured), "there is something that was left out"
