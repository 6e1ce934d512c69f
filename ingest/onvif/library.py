"""The library that knows ONVIF, imported without what it does to the logs of the whole process.

Its import gives the root logger a handler and a level. Its notes hold passwords, and traces of odd answers.
"""

import logging
from pathlib import Path

_root = logging.getLogger()
_before = (_root.level, tuple(_root.handlers))

import onvif  # noqa: E402
from onvif.client import ONVIFService  # noqa: E402
from onvif.definition import SERVICES  # noqa: E402

_root.setLevel(_before[0])
_root.handlers[:] = _before[1]
for _name in ("zeep", "onvif"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

WSDL = Path(onvif.__file__).parent / "wsdl"

__all__ = ["SERVICES", "WSDL", "ONVIFService"]
