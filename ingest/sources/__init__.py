"""Sources of pictures: one file per kind."""
