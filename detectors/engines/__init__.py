"""Engines: plug-ins that turn an image into detections. `base` says what one must give."""
