"""The simulated camera, films and windows."""
