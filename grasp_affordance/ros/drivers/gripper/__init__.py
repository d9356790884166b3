"""Vacuum grippers."""
