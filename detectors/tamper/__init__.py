"""A camera that no longer shows what it was put up for: covered, turned, frozen. From the pictures alone."""
