"""The sample video and the outside world, for whoever runs a whole installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.sample import sample
from lianfang.errors import LianfangError
from tests.e2e.installation import Outside


@pytest.fixture(scope="session")
def video() -> Path:
    try:
        return sample(print)
    except LianfangError as error:
        pytest.skip(f"no sample video: {error}")


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as world:
        yield world
