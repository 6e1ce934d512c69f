"""Why something cannot be done with the cameras of guests."""

from __future__ import annotations

from lianfang.errors import LianfangError


class NotPossible(LianfangError):  # noqa: N818 - reads as the fact it states
    """It cannot be done now; ``code`` says why, for a program."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
