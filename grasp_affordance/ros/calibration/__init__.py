"""The calibration node."""
