"""The camera's topics as the core's `Camera`."""

from collections.abc import Iterator
from contextlib import contextmanager

from numpy import float64
from numpy.typing import NDArray

from grasp_affordance.errors import CameraError, GraspAffordanceError, TransformError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.frame_source import FrameSource, Keep
from grasp_affordance.ros.common.transforms import CameraPose

# Frames whose stamp may yet be asked for: those that came while the affordance node evaluated one
# of them. An answer takes 0.3 s (docs/results_ros.md), so 60 frames, 2 s at 30 Hz, are enough where
# everything takes six times as long. They are 90 MB of 640x480 rgb8 and 16UC1, 130 MB with 32FC1,
# 280 MB of 1280x720 rgb8 and 16UC1. Of a slow camera fewer are of use: an answer is waited for, and
# a view acted on, for 10 s (answer_timeout and pick.max_frame_age, unless they are set).
_KEEP = Keep(count=60, age=10.0)

# The other process has had the frame for as long as it evaluated it, and 95 of 100 images take less
# than 0.25 s on the way even on a busy machine (docs/results_ros.md).
_LATE = 0.5  # seconds


class TopicCamera:
    """`cell.Camera` over whatever publishes the topics of realsense2_camera."""

    def __init__(self, frames: FrameSource, pose: CameraPose) -> None:
        """Read from `frames`, which remembers as much as `at` needs from now on."""
        frames.remember(_KEEP)
        self._frames = frames
        self._pose = pose
        self._frame_id = ""

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        """Return a fresh frame exposed after `newer_than_ns`.

        Raises:
            CameraError: none came, or it cannot be used.
        """
        with _as_camera_error():
            frame = self._frames.read(newer_than_ns)
        self._frame_id = frame.frame_id
        return frame

    def at(self, stamp_ns: int) -> RgbdFrame:
        """Return the frame of this very stamp, which another process has had; it may come late.

        Raises:
            CameraError: it was lost, is not kept any more, or cannot be used.
        """
        with _as_camera_error():
            return self._frames.at(stamp_ns, _LATE)

    def pose(self) -> NDArray[float64]:
        """Return `T_base_camera` (4, 4) of the frames read last; see `CameraPose.wait`.

        Raises:
            CameraError: nobody has said where the camera is.
        """
        frame_id = self._frame_id or self.read().frame_id
        try:
            return self._pose.wait(frame_id)
        except TransformError as error:
            raise CameraError(str(error)) from error

    def problem(self) -> str:
        """Return why no fresh frames come; empty when all is well."""
        return self._frames.problem()


@contextmanager
def _as_camera_error() -> Iterator[None]:
    """Turn what is wrong with a frame into what is wrong with the camera."""
    try:
        yield
    except CameraError:
        raise
    except GraspAffordanceError as error:
        raise CameraError(f"the camera's frames cannot be used: {error}") from error
