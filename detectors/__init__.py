"""Detectors say what is seen: frames in, observations out."""
