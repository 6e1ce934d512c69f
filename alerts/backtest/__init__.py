"""Back-tests: the rules of today over the observations of yesterday."""
