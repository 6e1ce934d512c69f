"""Incidents: pure. What a sighting does to an open incident, and which changes follow."""
