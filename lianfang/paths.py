"""Where files lie that are fetched or made once, and used by every start."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return ``lianfang`` in the user's cache (``$XDG_CACHE_HOME`` or ``~/.cache``); it may not be there.

    A relative ``$XDG_CACHE_HOME`` is ignored, as the XDG specification says.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "lianfang"
