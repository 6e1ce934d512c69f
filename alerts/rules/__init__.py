"""Rules: pure functions from observations to sightings. One file per rule."""
