"""The annotation paper: detector and label pipeline."""
