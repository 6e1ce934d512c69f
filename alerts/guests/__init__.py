"""Cameras that others connect: invitations, consent, pausing, withdrawal, and who looked."""
