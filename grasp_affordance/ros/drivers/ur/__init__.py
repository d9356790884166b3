"""The UR driver."""
