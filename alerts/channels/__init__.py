"""Channels: how a receiver is told. One file per dialect; a receiver is named in the configuration."""
