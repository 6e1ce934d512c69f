"""The demo's installation: the configuration of ``configs/demo.yaml`` with addresses, secrets and a video."""

from __future__ import annotations

import base64
import secrets
import socket
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

OPERATOR = "operator"
_WHOLE_PICTURE = [[0, 0], [1, 0], [1, 1], [0, 1]]


@dataclass(frozen=True)
class Site:
    """One run of the demo: its configuration file and the secrets that exist only for this run."""

    file: Path
    port: int
    password: str
    speaker_token: str
    police_secret: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables through which the configuration gets its secrets."""
        return {
            "LIANFANG_DEMO_PASSWORD": self.password,
            "LIANFANG_DEMO_SPEAKER_TOKEN": self.speaker_token,
            "LIANFANG_DEMO_POLICE_SECRET": self.police_secret,
        }


@dataclass(frozen=True)
class Addresses:
    """Where the simulators listen."""

    speaker: str
    police: str


def new_secrets(folder: Path, port: int) -> Site:
    """Return a site in ``folder`` with fresh secrets; ``port`` is the console's, a free one if taken."""
    return Site(
        file=folder / "demo.yaml",
        port=free_port(port),
        password=secrets.token_urlsafe(9),
        speaker_token=secrets.token_urlsafe(24),
        police_secret="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    )


def write(site: Site, source: str, addresses: Addresses, *, sample: bool, language: str) -> None:
    """Write the configuration with the video of ``source``, a file or an rtsp URL.

    But for the sample, the whole picture is the zone.
    """
    text = resources.files("configs").joinpath("demo.yaml").read_text(encoding="utf-8")
    config: dict[str, Any] = yaml.safe_load(text)
    config["data_dir"] = str(site.file.parent / "data")
    config["community"]["language"] = language
    config["api"]["port"] = site.port
    camera = config["cameras"]["bank_east"]
    camera["source"] = _source(source)
    if not sample:
        camera["zones"]["bank"]["polygon"] = _WHOLE_PICTURE
    config["receivers"]["bank_speaker"]["base_url"] = addresses.speaker
    config["receivers"]["police"]["url"] = addresses.police
    site.file.touch(mode=0o600)  # an rtsp URL may hold a password
    site.file.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _source(source: str) -> dict[str, Any]:
    if "://" in source:
        return {"kind": "rtsp", "url": source}
    return {"kind": "file", "path": str(Path(source).resolve()), "pace": "realtime", "loop": True}


def free_port(wanted: int) -> int:
    """Return ``wanted`` if nobody listens there, else a free port of 127.0.0.1."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            # As the server does: a port whose last connections are still closing is not taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("no free port on 127.0.0.1")
