"""Training of a detector on labels."""
