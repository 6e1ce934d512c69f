"""Models: what is known of each, how it is installed, and what its inputs and outputs mean."""
