"""The sample video: vtest.avi of Debian's package opencv-doc, fetched once and cached."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lianfang.errors import LianfangError
from lianfang.paths import cache_dir

PACKAGE, MEMBER = "opencv-doc", "usr/share/doc/opencv-doc/examples/data/vtest.avi"
SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"


def media_dir() -> Path:
    """Return the folder of fetched media."""
    return cache_dir() / "media"


def sample(progress: Callable[[str], None]) -> Path:
    """Return the sample video, fetching it at the first call; LianfangError where that cannot be done.

    79 s of a surveillance camera, 768×576, 10 fps, people walking.
    """
    target = media_dir() / "vtest.avi"
    if target.exists() and _sha256(target) == SHA256:
        return target
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise LianfangError(
            f"the sample video is in Debian's package {PACKAGE}, and this machine has no apt-get: "
            "give a video of yours with --source FILE, or a camera with --source rtsp://…"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        progress(f"fetching the sample video (Debian package {PACKAGE}) …")
        _download(Path(folder))
        (package,) = Path(folder).glob("*.deb")
        _run(["dpkg-deb", "--extract", str(package), folder], Path(folder))
        found = Path(folder) / "vtest.avi"
        found.write_bytes(_member(Path(folder)))
        if _sha256(found) != SHA256:
            raise LianfangError(f"{PACKAGE} holds another vtest.avi than the one that the demo is made for")
        found.replace(target)
    return target


def _download(folder: Path) -> None:
    """Fetch the package into ``folder``, with package lists of its own where the system has none."""
    try:
        _run(["apt-get", "download", "--quiet", PACKAGE], folder)
    except LianfangError:
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder}"]
        _run(["apt-get", *own, "update", "--quiet"], folder)
        _run(["apt-get", *own, "download", "--quiet", PACKAGE], folder)


def _member(folder: Path) -> bytes:
    plain = folder / MEMBER
    return plain.read_bytes() if plain.exists() else gzip.decompress(Path(f"{plain}.gz").read_bytes())


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        # The last line only: what stands before it may name the hosts of a private mirror.
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LianfangError(f"{command[0]} failed: {reason}")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
