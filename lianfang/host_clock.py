"""Whether this machine's own clock is kept right, as far as its kernel was told."""

from __future__ import annotations

import ctypes
from typing import Literal

import structlog
from prometheus_client import Gauge

from lianfang.clock import Clock

Sync = Literal["synchronised", "unsynchronised", "unknown"]

_log = structlog.get_logger()
_STA_UNSYNC = 0x40  # include/uapi/linux/timex.h: the clock is not synchronised
_LOOK_S = 60.0  # between two looks: what keeps a clock changes its mind in minutes
_VALUES: dict[Sync, int] = {"synchronised": 1, "unsynchronised": 0, "unknown": -1}


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex`` of adjtimex(2), with room for what follows."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_sync() -> Sync:
    """Return what the kernel was told by who keeps its clock: chronyd, systemd-timesyncd, ntpd.

    A container asks the kernel of its host. Unknown where the kernel does not say, as on no Linux.
    """
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return "unknown"
    said = _Timex()  # modes 0: it only asks, and needs no privilege
    if adjtimex(ctypes.byref(said)) < 0:
        return "unknown"
    return "unsynchronised" if said.status & _STA_UNSYNC else "synchronised"


class HostClock:
    """Whether the host's clock may be compared with, asked again each minute.

    ``trusted`` is the word of a person that it is right, whoever keeps it: a radio clock, a hypervisor.
    """

    def __init__(self, clock: Clock, *, trusted: bool = False) -> None:
        self._clock, self._trusted = clock, trusted
        self._sync: Sync = kernel_sync()
        self._looked_s = clock.monotonic()
        self._gauge: Gauge | None = None

    @property
    def sync(self) -> Sync:
        """What the kernel says, at most a minute old."""
        now_s = self._clock.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            before, self._sync, self._looked_s = self._sync, kernel_sync(), now_s
            if before != self._sync and self._gauge is not None:
                self._gauge.set(_VALUES[self._sync])
                _log.warning("host_clock", kernel=self._sync, before=before)
        return self._sync

    def tell(self, gauge: Gauge) -> None:
        """Export what the kernel says from now on, and log it where it says nothing good."""
        if not self.is_right():
            _log.warning("host_clock_not_synchronised", kernel=self._sync, so="no camera's clock is a fault")
        self._gauge = gauge
        gauge.set(_VALUES[self._sync])

    def is_right(self) -> bool:
        """Say whether it is known to be right."""
        return self._trusted or self.sync == "synchronised"
