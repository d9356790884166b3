"""An arm that follows trajectories."""
