"""Shows what a running system publishes."""
