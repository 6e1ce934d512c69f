"""The environment of a process that decodes what strangers send."""

from __future__ import annotations

import os

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


def bare_environment() -> dict[str, str]:
    """Return what such a process gets of ours: no secret."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}
