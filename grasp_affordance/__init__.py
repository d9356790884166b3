"""A UR5 with a vacuum cup and an RGB-D camera that teaches itself to empty a bin."""

__version__ = "0.1.0"
