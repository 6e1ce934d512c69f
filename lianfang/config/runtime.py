"""How the work is spread, and who outside hears that it goes on."""

from __future__ import annotations

from pydantic import Field

from lianfang.config.stanza import Stanza


class Runtime(Stanza):
    """How the work is spread over processes, and when it is too late to matter."""

    cameras_per_process: int = Field(default=4, ge=1, le=64)
    """Cameras decoded by one process; a process that crashes is started again in two halves."""
    ingest_memory_mb: int = Field(default=1024, ge=256, le=65536)
    """MiB of memory that such a process may hold; one with more is killed, and started in two halves."""
    detect_threads: int = Field(default=2, ge=1, le=64)
    """Pictures looked at at the same time: one a core."""
    frame_deadline_s: float = Field(default=2, gt=0, le=60)
    """A frame older than this is skipped and counted, not looked at."""
    ring_seconds: float = Field(default=20, ge=2, le=600)
    """Seconds of frames that are kept of each camera: evidence is copied from there."""
    ring_max_bytes: int = Field(default=48 * 1024 * 1024, ge=1024 * 1024)
    """Upper bound of the frames kept of one camera, in bytes, preallocated."""


class DeadMan(Stanza):
    """A service outside that rings when it has not heard from this installation for a while."""

    url: str = Field(pattern=r"^https?://[^\s@]+$")
    """Called with POST while all is well; it needs no body and no password in the address."""
    every_s: float = Field(default=30, ge=1, le=3600)
    """Seconds between two calls."""
    timeout_s: float = Field(default=10, gt=0, le=60)
    """Seconds that it may take to answer."""
