"""What is wrong with a table: file, sheet, row and column, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lianfang.errors import ConfigProblem, LianfangError


@dataclass(frozen=True)
class Fault:
    """One thing wrong. ``row`` is 1-based, 0 where it is the whole sheet; ``column`` is letter and header."""

    file: Path
    sheet: str
    row: int
    column: str
    found: str
    allowed: str

    def __str__(self) -> str:
        parts = (
            str(self.file),
            f"sheet {self.sheet}" if self.sheet else "",
            f"row {self.row}" if self.row else "",
            f"column {self.column}" if self.column else "",
        )
        return f"{', '.join(filter(None, parts))}: found {self.found}; allowed: {self.allowed}"


class TableError(LianfangError):
    """Nothing is imported. Carries every fault found, also those of the configuration itself."""

    def __init__(self, faults: Sequence[Fault | ConfigProblem]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = [*faults]


def letter(column: int) -> str:
    """Return the letters of a column as a spreadsheet has them; 0 is A."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
