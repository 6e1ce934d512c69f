"""Voice: what speakers that play sound only are given instead of text."""
