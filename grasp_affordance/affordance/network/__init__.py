"""The compact network: features, weights, inference."""
