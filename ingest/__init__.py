"""Ingest: cameras in, frames out."""
