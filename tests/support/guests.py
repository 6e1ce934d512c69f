"""A site that cameras of guests may join, and what an owner says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from lianfang.config import Config
from lianfang.config.api import Operator
from lianfang.config.stanza import Secret
from tests.support.api import HASHER, PASSWORD, Client, Reply
from tests.support.configs import loaded

STAY: dict[str, Any] = {"kind": "loitering", "name": "久留", "cameras": ["cam2"], "zones": ["water"]}
LOGIN = ("shop", "p@ss w0rd")


def config(folder: Path, **other: Any) -> Config:  # noqa: ANN401
    """Return a configuration with guests, and an operator ``duty``."""
    password, key = folder / "hash", folder / "guests.key"
    password.write_text(HASHER.hash(PASSWORD))
    key.write_text(f"{Fernet.generate_key().decode()}\n")
    guests = {
        "key": {"file": str(key)},
        "rules": ["stay"],
        "networks": ["127.0.0.0/8"],
        "ports": [554, 8554],
        **other,
    }
    plain = loaded(folder, ("rules.stay", STAY), ("guests", guests))
    secret = Secret(file=password)
    operators = {
        "duty": Operator(name="王芳", password_hash=secret),
        "walker": Operator(name="李强", password_hash=secret, role="worker"),
    }
    return plain.model_copy(update={"api": plain.api.model_copy(update={"operators": operators})})


def source(url: str) -> dict[str, str]:
    """Return how a shop's camera is read."""
    return {"kind": "rtsp", "url": url, "username": LOGIN[0], "password": LOGIN[1]}


def offer(preview: str, url: str, **other: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what an owner sends to share a camera."""
    return {
        "preview": preview,
        "source": source(url),
        "installed": "entrance",
        "legal_class": "venue",
        "rules": ["stay"],
        "consent_version": "1",
        "agreed": True,
        "owner": "陈老板",
        **other,
    }


def asked(client: Client, method: str, path: str, secret: str, body: Any = None) -> Reply:  # noqa: ANN401
    """Ask as somebody who has nothing but a link."""
    return client.request(method, f"/share/{path}", body, {"Authorization": f"Bearer {secret}"})


def invited(client: Client, name: str = "便民超市门口", near: str = "gate") -> str:
    """Return what stands in the link of a new invitation."""
    reply = client.request("POST", "/api/guests/invitations", {"name": name, "near": near})
    assert reply.status == 201, reply.json
    link: str = reply.json["link"]
    return link.partition("#")[2]
