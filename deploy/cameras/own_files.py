"""Passwords that several cameras share, or that stand in the environment, into files of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from deploy.cameras.changing import write_secret
from deploy.cameras.logins import Target
from deploy.inventory.draft import Draft
from deploy.inventory.files import Files
from lianfang.config.load import judged
from lianfang.errors import LianfangError


def in_own_files(config: Path, chosen: Sequence[Target], every: Sequence[Target], folder: Path) -> str:
    """Let each of the ``chosen`` of all devices have a file for its password, and say what was done.

    The passwords stay as they are, and no camera hears of it. ConfigError, LookupError, Meanwhile.
    """
    files = Files(config)
    draft = Draft(files.document(), config)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = 0
    for target in chosen:
        others = {one.url for one in every if one.secret == target.secret}
        if target.secret is None or (target.file is not None and len(others) == 1):
            continue
        own = _written(folder / f"{target.cameras[0]}.password", target.secret.read())
        for camera in target.cameras:
            beside = draft.document.file_of(("cameras", camera)).resolve().parent
            named = os.path.relpath(own.resolve(), beside)
            draft.set(("cameras", camera, "source", "password"), {"file": named})
        count += 1
    texts = draft.texts(files.texts)
    resulting = files.document(texts)
    judged(resulting)
    if resulting.data != draft.data:
        raise LianfangError(f"{config}: cannot be changed in place, maybe because of YAML anchors or tags")
    files.replace(texts)
    return (
        f"{count} passwords stand in files of their own in {folder}; start the services again before a change"
    )


def _written(file: Path, password: str) -> Path:
    """Return the file with the password in it; one that holds another is not written over."""
    if file.exists() and file.read_text(encoding="utf-8").rstrip("\r\n") != password:
        raise LianfangError(f"{file}: there is another password in it")
    write_secret(file, password)
    return file
