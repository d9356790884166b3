"""Every error that this package raises on purpose, under one root.

Each message says what is wrong and what to do about it; nodes put it on `/rosout` and on the
service or action response as it is.
"""


class GraspAffordanceError(Exception):
    """Root of the package's own errors."""


class ConfigError(GraspAffordanceError):
    """A configuration value is outside its documented range, or a key is unknown."""


class GeometryError(GraspAffordanceError):
    """A transform is not rigid, or intrinsics are not those of a camera."""


class FrameError(GraspAffordanceError):
    """An RGB-D frame cannot be used: sizes, encoding, no valid depth."""


class BinNotFoundError(FrameError):
    """No bin of a known size is seen, or more than one: which is meant is not known."""


class TransformError(GraspAffordanceError):
    """The pose of the camera in the robot's base frame is not known."""


class SequenceError(GraspAffordanceError):
    """A recorded sequence is missing, incomplete or unreadable."""


class CheckpointError(GraspAffordanceError):
    """Weights are missing, truncated, or of another architecture."""


class CellError(GraspAffordanceError):
    """The arm, the gripper or the camera could not do what was asked; the arm has stopped."""


class UnreachableError(CellError):
    """A pose is outside the workspace or the joint limits; raised before anything moves."""


class CollisionError(CellError):
    """Unexpected contact while moving; the arm has stopped."""


class StoppedError(CellError):
    """The motion was cancelled by a call of `stop()`."""


class ArmError(CellError):
    """The arm did not do what it was told, or its controller refuses; the arm has stopped."""


class PlanningError(ArmError):
    """No motion was found, for a reason that is not the pose's; nothing has moved."""


class PayloadError(ArmError):
    """The robot does not take the mass of tool and load; nothing has moved."""


class ProtectiveStopError(ArmError):
    """The robot's safety system stopped it; a person looks why before anything moves again."""


class EmergencyStopError(ArmError):
    """An emergency stop, a safeguard stop or a fault of the safety system; a person decides."""


class ProgramNotRunningError(ArmError):
    """The robot does not take commands: powered off, brakes locked, or its program stopped."""


class DriverLostError(ArmError):
    """The robot's driver is silent: whether the arm stands still is not known."""


class ContainerFullError(CellError):
    """Nothing may be put down until a person or a conveyor has brought an empty container."""


class CameraError(CellError):
    """No fresh frame arrived from the camera."""


class StaleFrameError(CameraError):
    """Frames came from the camera, but none as new as was asked for."""


class GripperError(CellError):
    """The vacuum system does not answer or its pressure sensor is stuck."""
