"""What the operating system lends: locks that die with their holder, the boot id, a socket of our own."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import secrets
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

BOOT_ID_BYTES = 16
_LONGEST_SOCKET_PATH = 107  # sun_path of unix(7) has 108 bytes, the last is NUL
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot_id() -> bytes:
    """Return 16 bytes that change when the host is restarted (and its page cache lost).

    Where the kernel does not tell, every process counts as a restart: offsets then jump more often than
    they need, and stay right.
    """
    try:
        return uuid.UUID(_BOOT_ID.read_text().strip()).bytes
    except (OSError, ValueError):
        return secrets.token_bytes(BOOT_ID_BYTES)


class FileLock:
    """An exclusive lock on a file that the kernel releases when its holder dies, however it dies."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """Take the lock and write our process id into the file; None while another holds it."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        return cls(fd)

    def release(self) -> None:
        """Let go of it."""
        os.close(self._fd)


def holder(path: Path) -> str:
    """Return the process id that the holder of the lock wrote, ``unknown`` if it did not come to it."""
    with contextlib.suppress(OSError):
        return path.read_text().strip() or "unknown"
    return "unknown"


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at ``path`` for this user only; one that stood there is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        os.fchmod(listener.fileno(), 0o600)  # before bind: it never exists with more
        with _address(path) as address:
            listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(path: Path) -> socket.socket:
    """Return a connection to the socket at ``path``; OSError if nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give a name of ``path`` that fits into a socket address, however deep the folder lies."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
