"""What can go wrong in a calibration."""

from grasp_affordance.errors import GraspAffordanceError


class CalibrationError(GraspAffordanceError):
    """A calibration cannot be computed from these samples, or its file cannot be used."""


class BoardError(CalibrationError):
    """The calibration board is not in an image, or not well enough to be used."""
