"""Number plates: found, read, and what a track of readings adds up to."""
