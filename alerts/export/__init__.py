"""Incidents taken out of the system: asked for with a reason, approved, marked, recorded."""
