"""Drills: a staged event of a camera, recorded once, is played through its rules after every change."""
