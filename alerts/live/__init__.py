"""Cameras as they are now: read from the frame topic while somebody looks, and for no longer."""
