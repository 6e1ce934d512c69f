"""``lianfang demo``: the main job on one machine, with a real video and a visible outside world."""

from deploy.demo.command import main

__all__ = ["main"]
