"""The bus of one host, without a broker: frames in memory-mapped rings, everything else in one SQLite log.

::

    publisher (any process)                          reader (any process)
      frames ───────────► ring file of the camera ◄── mmap, newest or by offset
      records ─┐
               ▼ Unix socket, or directly
             the owner's one writer ─► log.sqlite3 ◄── read-only, WAL

``ring`` is the file of frames and its promise, ``log`` the tables and what a power cut may lose, ``writer``
the group commit, ``server`` and ``client`` the socket, ``consumer`` with its sources the reading.
"""

from lianfang.bus.embedded.bus import EmbeddedBus
from lianfang.bus.embedded.ring import RingSettings

__all__ = ["EmbeddedBus", "RingSettings"]
