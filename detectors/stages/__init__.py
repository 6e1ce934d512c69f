"""Stages: what is looked for in a picture. One file per kind; a camera names its stages, in order."""
