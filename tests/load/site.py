"""A configuration that reads simulated cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.load.cameras import CameraAddress
from tests.support.rtsp_server import Login

PASSWORD_VARIABLE = "LOAD_PASSWORD"


def site(
    addresses: Sequence[CameraAddress], login: Login | None = None, camera: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a configuration with cameras ``c000`` …, each with the further keys ``camera``.

    Where the cameras ask for a login, its password is read from the environment (PASSWORD_VARIABLE).
    """
    secret = {} if login is None else {"username": login.user, "password": {"env": PASSWORD_VARIABLE}}
    return {
        "data_dir": "data",
        "networks": ["127.0.0.0/8"],
        "community": {"name": "Load"},
        "points": {"load": {"name": "Load"}},
        "detectors": {"objects": {"kind": "objects", "engine": {"kind": "onnx"}}},
        "cameras": {
            f"c{n:03}": {
                "name": f"c{n:03}",
                "point": "load",
                "source": {"kind": "rtsp", "url": address.main, "sub_url": address.sub, **secret},
                **(camera or {}),
            }
            for n, address in enumerate(addresses)
        },
    }
