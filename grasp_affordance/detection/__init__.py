"""The multi-grasp detector: grasp rectangles for a parallel gripper from one RGB-D frame."""
