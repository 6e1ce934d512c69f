"""Bringing the services together: one process tree, the demo, simulators of the outside world."""
