"""Where the camera is: boards found in images, hand-eye solutions, their file, their drift."""
