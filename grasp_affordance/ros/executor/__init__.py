"""The executor node."""
