"""The cell in Gazebo."""
