"""Grasp labels in the formats of the field; each file reads and writes one of them."""
