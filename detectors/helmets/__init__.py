"""Helmets of riders: who rides, where the heads are, what each wears, and what a track's looks add up to."""
