"""One trained model for the whole folder, an empty home, and no network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.yolo import Models, trained


@pytest.fixture(scope="package")
def no_network() -> Iterator[list[object]]:
    """Let nothing out; give what tried."""
    tried: list[object] = []

    def refuse(*arguments: object, **_keys: object) -> None:
        tried.append(arguments)
        raise OSError("no network here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        yield tried


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="package")
def models(tmp_path_factory: pytest.TempPathFactory, no_network: list[object], home: Path) -> Models:
    """A model trained for a few seconds, in its formats."""
    del home
    result = trained(tmp_path_factory.mktemp("models"))
    no_network.clear()  # training asks for a font
    return result
