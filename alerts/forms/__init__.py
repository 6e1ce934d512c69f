"""Rules for people: forms made of the stanzas themselves, and what a rule does, in words."""
