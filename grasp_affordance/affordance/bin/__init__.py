"""Where the bin is, and what lies in it."""
