"""Experiments and reports: beside the package, not installed."""
