"""Cameras that fail in every way and come back, and ingest that reads them for minutes or hours."""
