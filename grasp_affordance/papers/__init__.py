"""The two papers' own networks and trainers."""
