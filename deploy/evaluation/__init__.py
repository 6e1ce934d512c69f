"""Measures what detectors and rules give together, on clips; what detectors give alone is measured there."""
