"""Things that were left behind: a background on camera time, who stays with a thing, and what is reported."""
