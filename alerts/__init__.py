"""Alerts decide whether what is seen matters, and keep their promises: incidents, delivery, API, console."""
