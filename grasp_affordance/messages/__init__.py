"""What ROS messages of an RGB-D camera hold, read without ROS: images, stamps, bags."""
