"""Piles of logs: labels, detectors, jaws."""
