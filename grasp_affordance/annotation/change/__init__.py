"""What changed between two views."""
