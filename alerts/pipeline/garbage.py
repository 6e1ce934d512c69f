"""How often garbage is looked for: Python counts what is made, and knows nothing of batches."""

from __future__ import annotations

import gc


def look_seldom() -> None:
    """Let a process that works in batches look for garbage about once a batch.

    All of one is in use until it is written. To look after every few observations, as Python does by itself,
    takes a fifth of the time and finds nothing.
    """
    gc.set_threshold(20_000, 10, 10)
