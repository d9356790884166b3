"""The dense detector of grasp rectangles."""
