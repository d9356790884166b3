"""Frames kept after each removal."""
