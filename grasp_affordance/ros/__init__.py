"""ROS 2 nodes around the core: the only part of the package that imports rclpy and messages."""
