"""How often a log-in may fail, per operator and per client address; how much may come from somebody."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

from lianfang.clock import Clock

_FREE = 5  # failures that cost no wait: people mistype
# An operator's own lock is short, or anybody could lock a person on duty out; an address waits longer.
_OPERATOR_MAX_S, _ADDRESS_MAX_S = 60.0, 900.0
_FORGET_S = 900.0
_MAX_KEYS = 10_000  # bounds the memory of somebody who tries names at random


@dataclass(frozen=True)
class _Failures:
    count: int
    last_s: float


class LoginThrottle:
    """Counts failures in memory on the monotonic clock; thread-safe.

    After five failures the next attempt waits 1 s, then 2, 4 … up to a minute for an operator and a quarter
    of an hour for an address. An unknown operator is counted like a known one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def attempt(self, operator: str, address: str) -> float:
        """Count an attempt as failed until ``succeeded`` says otherwise, and return 0.

        If it comes too early, count nothing and return the seconds to wait. Counting first leaves no gap for
        many attempts at the same time.
        """
        now = self._clock.monotonic()
        keys = ((_operator(operator), _OPERATOR_MAX_S), (_address(address), _ADDRESS_MAX_S))
        with self._lock:
            wait_s = max(self._wait_s(key, max_s, now) for key, max_s in keys)
            if wait_s > 0:
                return wait_s
            for key, _ in keys:
                before = self._failures.pop(key, None)
                fresh = before is not None and now - before.last_s < _FORGET_S
                self._failures[key] = _Failures((before.count if before and fresh else 0) + 1, now)
            while len(self._failures) > _MAX_KEYS:
                self._failures.popitem(last=False)
        return 0

    def succeeded(self, operator: str, address: str) -> None:
        """Forget the failures of both."""
        with self._lock:
            self._failures.pop(_operator(operator), None)
            self._failures.pop(_address(address), None)

    def _wait_s(self, key: tuple[str, str], max_s: float, now: float) -> float:
        found = self._failures.get(key)
        if found is None or found.count < _FREE:
            return 0
        penalty_s = min(2.0 ** min(found.count - _FREE, 30), max_s)
        return max(0.0, found.last_s + penalty_s - now)


class Allowance:
    """So many things a second that somebody may send, by name; in memory, thread-safe.

    What is sent uses up time to come: who has used more than ``at_once_s`` of it waits.
    """

    def __init__(self, clock: Clock, at_once_s: float) -> None:
        self._clock, self._at_once_s, self._lock = clock, at_once_s, threading.Lock()
        self._used_until: dict[str, float] = {}

    def wait_s(self, name: str) -> float:
        """Return the seconds that somebody has to wait before they may send more, 0 for none."""
        with self._lock:
            return max(0.0, self._used_until.get(name, 0.0) - self._clock.monotonic() - self._at_once_s)

    def use(self, name: str, count: int, per_s: float) -> None:
        """Note that ``count`` things came from somebody who may send ``per_s`` a second."""
        with self._lock:
            begin = max(self._used_until.get(name, 0.0), self._clock.monotonic())
            self._used_until[name] = begin + count / per_s


def _operator(name: str) -> tuple[str, str]:
    return "operator", name


def _address(text: str) -> tuple[str, str]:
    """Return the key of an address; of IPv6 only the /64, which one client owns whole."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "address", text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return "address", str(ipaddress.ip_network((address, 64), strict=False))
    return "address", str(address)
