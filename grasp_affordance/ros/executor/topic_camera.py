"""The camera's topics as the core's `Camera`; the arm stops when they fall silent."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numpy import float64
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from grasp_affordance.attempt import Cause
from grasp_affordance.errors import CameraError, GraspAffordanceError, TransformError
from grasp_affordance.execution.activity import Activity
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.frame_source import FrameSource, Keep
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.transforms import CameraPose

# Frames whose stamp may yet be asked for: those that came while the affordance node evaluated one
# of them. An answer takes 0.3 s (docs/validation.md), so 60 frames, 2 s at 30 Hz, are enough where
# everything takes six times as long. They are 90 MB of 640x480 rgb8 and 16UC1, 130 MB with 32FC1,
# 280 MB of 1280x720 rgb8 and 16UC1. Of a slow camera fewer are of use: an answer is waited for, and
# a view acted on, for 10 s (answer_timeout and pick.max_frame_age, unless they are set).
_KEEP = Keep(count=60, age=10.0)

# The other process has had the frame for as long as it evaluated it, and 95 of 100 images take less
# than 0.25 s on the way even on a busy machine (docs/validation.md).
_LATE = 0.5  # seconds
_LOOK = 0.1  # seconds between looks at the age of the newest frame
_HELD_UP = 3 * _LOOK


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


class CameraWatch:
    """Stops the arm when the camera falls silent: nobody sees any more what it does.

    It looks at the age of the newest frame while the arm is in use.

    A look that comes late was held up together with the frames: moveit_py keeps Python from running
    while it plans. Such a look does not count; the next one, a period later, does in any case.
    """

    def __init__(
        self,
        node: Node,
        camera: TopicCamera,
        activity: Activity,
        stop_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node = node
        self._camera = camera
        self._activity = activity
        self._stop_timeout = stop_timeout
        self._clock, self._looked_at, self._passed = clock, clock(), False
        group = MutuallyExclusiveCallbackGroup()
        self._timer = node.create_timer(
            _LOOK, self._look, callback_group=group, clock=steady_clock()
        )

    def close(self) -> None:
        """Stop watching."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        now = self._clock()
        late = now - self._looked_at > _HELD_UP
        self._looked_at, self._passed = now, late and not self._passed
        if self._passed or not self._activity.busy:
            return
        problem = self._camera.problem()
        if problem:
            reason = f"the camera is lost: {problem}"
            if not self._activity.stop(Cause.CAMERA_LOST, reason, self._stop_timeout):
                self._node.get_logger().fatal(f"{reason}; the arm does not stop")
