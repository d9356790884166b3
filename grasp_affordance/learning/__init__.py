"""Learning from the robot's own picks: attempt log, examples, replay, learner, calibration."""
