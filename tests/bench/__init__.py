"""Measurements, as ratios to the bare limit in the same run: ``make bench``. Never part of ``make test``."""
