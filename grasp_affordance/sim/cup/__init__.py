"""The simulated cup: suction, seal, pressure."""
