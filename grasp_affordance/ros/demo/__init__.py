"""Demonstrations through the live nodes."""
