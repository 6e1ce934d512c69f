"""Strict stand-ins for receivers: for the demonstration, for tests, and for those who build a real one."""
