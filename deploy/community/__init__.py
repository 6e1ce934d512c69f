"""A whole community, invented: what ``configs/community`` holds."""
