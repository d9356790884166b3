"""The camera's topics as the core's `Camera`."""

from numpy import float64
from numpy.typing import NDArray

from grasp_affordance.errors import CameraError, GraspAffordanceError, TransformError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.frame_source import FrameSource
from grasp_affordance.ros.transforms import CameraPose


class TopicCamera:
    """`cell.Camera` over whatever publishes the topics of realsense2_camera."""

    def __init__(self, frames: FrameSource, pose: CameraPose) -> None:
        self._frames = frames
        self._pose = pose
        self._frame_id = ""

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        """Return a fresh frame exposed after `newer_than_ns`.

        Raises:
            CameraError: none came, or it cannot be used.
        """
        try:
            frame = self._frames.read(newer_than_ns)
        except CameraError:
            raise
        except GraspAffordanceError as error:
            raise CameraError(f"the camera's frames cannot be used: {error}") from error
        self._frame_id = frame.frame_id
        return frame

    def at(self, stamp_ns: int) -> RgbdFrame | None:
        """Return the frame of this very stamp if it is the newest, else None."""
        newest = self._frames.newest()
        return newest if newest is not None and newest.stamp_ns == stamp_ns else None

    def pose(self) -> NDArray[float64]:
        """Return `T_base_camera` (4, 4) of the frames read last; see `CameraPose.wait`.

        Raises:
            CameraError: nobody has said where the camera is.
        """
        frame_id = self._frame_id or self.read().frame_id
        self._pose.wait(frame_id)
        try:
            return self._pose.lookup(frame_id)
        except TransformError as error:
            raise CameraError(str(error)) from error

    def problem(self) -> str:
        """Return why no fresh frames come; empty when all is well."""
        return self._frames.problem()
