"""Clips: the seconds around the picture that decided, as a film that browsers and police platforms play."""
