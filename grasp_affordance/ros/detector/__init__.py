"""The detector of grasp rectangles."""
