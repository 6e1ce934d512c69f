"""Cameras of guests: each read by a process of its own, which has nothing that would be worth stealing."""
