"""The affordance node."""
