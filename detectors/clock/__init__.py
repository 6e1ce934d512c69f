"""The time that a camera burns into its picture: found, read, and compared with the host's."""
