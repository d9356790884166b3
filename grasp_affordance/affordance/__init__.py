"""Where the cup should go: learned affordance maps, the analytic seal prior, candidates."""
