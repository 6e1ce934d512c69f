"""The broker's jars: resolved once by Maven, then kept beside the other caches."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lianfang.errors import LianfangError
from lianfang.paths import cache_dir

_POM = Path(__file__).with_name("pom.xml")
_RESOLVE_S = 600.0


def jars() -> Path:
    """Return the folder of the broker's jars, resolving them the first time; LianfangError where it cannot.

    It lies under ``XDG_CACHE_HOME`` (``~/.cache``), named after the version that ``pom.xml`` asks for.
    """
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if "java" in missing:
        raise LianfangError("no java here (Debian: openjdk-17-jre-headless)")
    cache = cache_dir()
    folder = cache / f"kafka-{version()}"
    if folder.is_dir():
        return folder
    if missing:
        raise LianfangError("no mvn here to fetch the broker's jars with (Debian: maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        target = Path(made) / "jars"
        command = ["mvn", "--quiet", "--batch-mode", "--file", str(_POM), "dependency:copy-dependencies"]
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [*command, f"-DoutputDirectory={target}", "-DincludeScope=runtime"],
            capture_output=True,
            text=True,
            timeout=_RESOLVE_S,
            check=False,
        )
        if done.returncode != 0:
            raise LianfangError(f"mvn cannot fetch the broker: {(done.stdout + done.stderr).strip()[-2000:]}")
        try:
            target.rename(folder)
        except OSError:  # somebody else was quicker
            if not folder.is_dir():
                raise
    return folder


def version() -> str:
    """Return the version of Kafka that ``pom.xml`` names."""
    found = re.search(r"<kafka\.version>([\d.]+)</kafka\.version>", _POM.read_text(encoding="utf-8"))
    if found is None:
        raise LianfangError(f"{_POM} names no kafka.version")
    return found.group(1)
