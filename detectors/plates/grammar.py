"""Moved to ``lianfang.plates``."""

from lianfang.plates import *  # noqa: F403
