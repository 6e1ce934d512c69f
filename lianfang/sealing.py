"""Encryption of what guests entrust to us: Fernet (AES-128-CBC, HMAC-SHA256), with keys that may change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from lianfang.errors import PermanentError


class Seal:
    """Seals plain data, and opens what was sealed with any of its keys; the first one seals."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def close(self, data: Any) -> str:  # noqa: ANN401 - plain data
        """Return ``data``, encrypted and signed, with the time."""
        return self._fernet.encrypt(json.dumps(data, ensure_ascii=False).encode()).decode()

    def open(self, sealed: str, within_s: int | None = None) -> Any:  # noqa: ANN401 - plain data
        """Return what was sealed; PermanentError where it was not by us, or not ``within_s`` seconds ago."""
        try:
            return json.loads(self._fernet.decrypt(sealed.encode(), within_s))
        except (InvalidToken, ValueError) as error:
            raise PermanentError("sealed with another key, altered, or too long ago") from error

    def again(self, sealed: str) -> str:
        """Return the same, sealed with the first key; PermanentError as ``open``."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise PermanentError("sealed with another key, or altered") from error
