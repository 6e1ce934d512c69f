"""Sources of readings: one file per kind."""
