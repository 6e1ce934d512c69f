"""Weights of models that are ours: those that a package brings, or those that a site trained itself.

A receipt, written last, names the file and its sha256: what is in use changes in one step.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from detectors.models.store import default_cache_dir
from lianfang.errors import ModelError


class Receipt(BaseModel):
    """Which weights are in use, since when, and what they were trained from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, Field(pattern=r"^[\w.-]+\.onnx$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    trained_at: AwareDatetime
    trained_from: str


@dataclass(frozen=True)
class OwnWeights:
    """The weights called ``name`` in messages, whose receipt lies in the Python package ``package``."""

    name: str
    package: str
    receipt: str

    def in_use(self, models_dir: Path | None = None) -> tuple[str, bytes]:
        """Return the sha256 and the content of the weights in use: the site's own, else the package's.

        ``models_dir`` is the folder of models, None for the default one. Raises ModelError where they are
        missing or altered: it never falls back from a site's own weights to others.
        """
        own = (models_dir or default_cache_dir()) / self.receipt
        return self._read(own) if own.exists() else self.packaged()

    def packaged(self) -> tuple[str, bytes]:
        """Return the sha256 and the content of the weights that the package brings; ModelError if altered."""
        return self._read(Path(str(files(self.package))) / self.receipt)

    def put(
        self, content: bytes, folder: Path, name: str, trained_at: AwareDatetime, trained_from: str
    ) -> Path:
        """Take ``content`` into use in ``folder`` and return its path; ModelError if it cannot be written.

        ``name`` may hold ``{sha}``. The weights before it stay where they are.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        receipt = Receipt(
            file=name.format(sha=sha256[:12]), sha256=sha256, trained_at=trained_at, trained_from=trained_from
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / receipt.file, content)
            _replace(folder / self.receipt, (receipt.model_dump_json(indent=2) + "\n").encode())
        except OSError as error:
            raise ModelError(f"cannot write {error.filename or folder}: {error.strerror}") from error
        return folder / receipt.file

    def _read(self, receipt_path: Path) -> tuple[str, bytes]:
        try:
            receipt = Receipt.model_validate_json(receipt_path.read_bytes())
            path = receipt_path.parent / receipt.file
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{self.name}: {error.filename}: {error.strerror}") from error
        except ValidationError as error:
            raise ModelError(f"{self.name}: {receipt_path} is no receipt: {error}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != receipt.sha256:
            raise ModelError(
                f"{self.name}: {path}: expected sha256 {receipt.sha256}, found {found}; train again, "
                f"or remove {receipt_path} to use those of the package"
            )
        return found, content


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
