"""Where `T_base_camera` comes from: a parameter, TF, a calibration file, or a latched message.

tf2_ros comes with an installed ROS and is not on PyPI. Where it is missing, a recording's or a
simulator's pose still arrives on `<camera>/base_camera`.
"""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.time import Time

from grasp_affordance.arrays import Array
from grasp_affordance.calibration.calibration_file import CameraCalibration, read_calibration
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.errors import ConfigError, TransformError
from grasp_affordance.geometry import check_rigid, from_quaternion
from grasp_affordance.rgbd import ahead_of_clock
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.conversions import from_time_msg, from_transform_msg
from grasp_affordance.ros.common.freshness import NodeClock

_POLL = 0.02  # seconds between looks


@dataclass(frozen=True)
class CameraPoseConfig:
    """How the camera's pose in the robot's base frame is found.

    Attributes:
        base_frame_id: name of the robot's base frame in TF.
        pose: x y z (metres) and quaternion x y z w of the camera's optical frame in the base frame;
            when unset, TF, then the calibration file, then the camera's own latched pose are asked.
        calibration: file of `grasp-affordance calibrate`, eye-to-hand; empty for none.
        most_difference: TF and the file may put the camera this far apart, metres; more means that
            one of them is old, and nothing moves.
        max_age: a transform of TF that is not static may be this old, seconds: what publishes it
            has stopped otherwise.
        patience: for so long the first question after a start waits for a pose that nobody has said
            yet, seconds: nodes find each other in any order.
    """

    base_frame_id: str = "base"
    pose: tuple[float, float, float, float, float, float, float] | None = None
    calibration: FilePath = ""
    most_difference: float = 0.005
    max_age: float = 1.0
    patience: float = 2.0

    def __post_init__(self) -> None:
        if not self.base_frame_id:
            raise ConfigError("base_frame_id is empty; name the robot's base frame")
        if not self.most_difference > 0:
            raise ConfigError(f"most_difference {self.most_difference} m must be positive")
        if not self.max_age > 0:
            raise ConfigError(f"max_age {self.max_age} s must be positive")
        if self.patience < 0:
            raise ConfigError(f"patience {self.patience} s must not be negative")
        if self.pose is not None:
            check_rigid(from_quaternion(self.pose[:3], self.pose[3:]), "pose")


class CameraPose:
    """Answers with `T_base_camera` for an optical frame."""

    def __init__(
        self,
        node: Node,
        config: CameraPoseConfig,
        camera: str = topics.CAMERA,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        """Listen; raises CalibrationError where the calibration file cannot be used.

        Args:
            camera: prefix of the camera's topics.
            clock: seconds.
            options: of the subscription, such as its callback group.
        """
        self.config = config
        self._node = node
        path = config.calibration
        self._calibration = read_calibration(Path(path)) if path else None
        self._latched: dict[str, TransformStamped] = {}
        self._topic = f"{camera}/{topics.CAMERA_POSE}"
        self._subscription = node.create_subscription(
            TransformStamped, self._topic, self._receive, topics.LATCHED, **options
        )
        self._tf = TfListener(node)
        self._ros_clock = NodeClock(node)
        self._clock = clock
        self._patient_until: float | None = None  # since the first question

    def wait(self, frame_id: str) -> Array:
        """Return what `lookup` does; where there is no pose yet, wait for it.

        It waits until `patience` since the first call is over. What delivers the pose must run in
        another thread.

        Raises:
            TransformError: there is none then, or later.
        """
        if self._patient_until is None:
            self._patient_until = self._clock() + self.config.patience
        while True:
            try:
                return self.lookup(frame_id)
            except TransformError:
                if self._clock() >= self._patient_until:
                    raise
            time.sleep(_POLL)

    def find(self, frame_id: str, needed: bool, patient: bool = False) -> Array | None:
        """Return `T_base_camera` (4, 4); None where it is neither known nor needed.

        Args:
            patient: wait where the node has just started; see `wait`.

        Raises:
            TransformError: it is needed and not known.
        """
        try:
            return self.wait(frame_id) if patient else self.lookup(frame_id)
        except TransformError:
            if needed:
                raise
            return None

    def lookup(self, frame_id: str) -> Array:
        """Return `T_base_camera` (4, 4) of the optical frame `frame_id`.

        Raises:
            TransformError: nobody has said where the camera is, not lately, or two disagree.
        """
        if self.config.pose is not None:
            return from_quaternion(self.config.pose[:3], self.config.pose[3:])
        message = self._from_tf(frame_id)
        if self._calibration is not None and self._calibration.mount is Mount.EYE_TO_HAND:
            return self._calibrated(self._calibration, frame_id, message)
        message = message or self._latched.get(frame_id)
        if message is None:
            refused = self._tf.refused()
            raise TransformError(
                f"no transform from '{frame_id}' to '{self.config.base_frame_id}': "
                f"{refused + '; ' if refused else ''}publish the "
                "camera's calibration on /tf_static, or set camera.calibration (a file) or "
                "camera.pose (x y z qx qy qz qw) in the cell's file"
            )
        if message.header.frame_id != self.config.base_frame_id:
            raise TransformError(
                f"{self._topic} gives the camera in '{message.header.frame_id}', but the base "
                f"frame is '{self.config.base_frame_id}'; set base_frame in the cell's file"
            )
        return from_transform_msg(message.transform)

    @property
    def tf(self) -> "TfListener":
        """The transforms that it listens to, for whoever else needs one of them."""
        return self._tf

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)
        self._tf.close()
        self._ros_clock.close()

    def _calibrated(
        self, calibration: CameraCalibration, frame_id: str, message: TransformStamped | None
    ) -> Array:
        """Return the file's pose, or TF's where there is one and both agree."""
        base = self.config.base_frame_id
        if (calibration.parent, calibration.child) != (base, frame_id):
            raise TransformError(
                f"{self.config.calibration} is of '{calibration.child}' in '{calibration.parent}', "
                f"not of '{frame_id}' in '{base}': calibrate this camera"
            )
        if message is None:
            return calibration.T_parent_camera
        T = from_transform_msg(message.transform)
        apart = float(np.linalg.norm(T[:3, 3] - calibration.T_parent_camera[:3, 3]))
        if apart > self.config.most_difference:
            raise TransformError(
                f"TF puts the camera {apart * 1000:.1f} mm from where {self.config.calibration} "
                "puts it: one of them is old; correct /tf_static, or calibrate again"
            )
        return T

    def _receive(self, message: TransformStamped) -> None:
        self._latched[message.child_frame_id] = message

    def _from_tf(self, frame_id: str) -> TransformStamped | None:
        message = self._tf.newest(self.config.base_frame_id, frame_id)
        if message is None:
            return None
        stamp = from_time_msg(message.header.stamp)
        if not stamp:  # all of the chain is static
            return message
        which = f"the newest transform from '{frame_id}' to '{self.config.base_frame_id}'"
        if problem := self._ros_clock.problem():
            raise TransformError(f"{which} cannot be evaluated: {problem}")
        if penalty := self._ros_clock.penalty(stamp, self.config.max_age):
            raise TransformError(
                f"{which} is {penalty}: what publishes it on /tf has stopped, or its clock differs"
            )
        return message


class StaticBroadcaster:
    """Puts a transform on `/tf_static` where tf2_ros is installed; does nothing elsewhere."""

    def __init__(self, node: Node) -> None:
        self._broadcaster = None
        if importlib.util.find_spec("tf2_ros") is not None:
            from tf2_ros import StaticTransformBroadcaster

            self._broadcaster = StaticTransformBroadcaster(node)

    def send(self, message: TransformStamped) -> None:
        """Broadcast one static transform."""
        if self._broadcaster is not None:
            self._broadcaster.sendTransform(message)


class TfListener:
    """The transforms of /tf and /tf_static; knows none where tf2_ros is not installed.

    A transform whose stamp is ahead of the clock when it comes is not taken: it would look young
    long after its publisher has died. When the clock goes back, all but the static ones are
    forgotten.
    """

    def __init__(self, node: Node) -> None:
        self._refused: dict[str, str] = {}
        self._buffer: Any = None
        if importlib.util.find_spec("tf2_ros") is None:
            return
        from tf2_ros import Buffer, TransformListener

        class Checked(Buffer):
            def set_transform(buffer, transform: TransformStamped, authority: str) -> None:  # noqa: N805
                if self._may_enter(transform):
                    super().set_transform(transform, authority)

        self._buffer = Checked()
        self._clock = NodeClock(node, self._buffer.clear)
        self._listener = TransformListener(self._buffer, node)

    def newest(self, target: str, source: str) -> TransformStamped | None:
        """Return the newest transform that takes points of `source` to `target`; None if unknown.

        Its stamp is that of the oldest part of the chain; 0 where all of it is static.
        """
        if self._buffer is None or not self._buffer.can_transform(target, source, Time()):
            return None
        message: TransformStamped = self._buffer.lookup_transform(target, source, Time())
        return message

    def nearest(self, target: str, source: str, stamp_ns: int) -> TransformStamped | None:
        """Return the transform at a time, or the newest where that time is not known."""
        time = Time(nanoseconds=stamp_ns)
        if self._buffer is None or not self._buffer.can_transform(target, source, time):
            return self.newest(target, source)
        message: TransformStamped = self._buffer.lookup_transform(target, source, time)
        return message

    @property
    def installed(self) -> bool:
        """Whether there is a tf2_ros to listen with."""
        return self._buffer is not None

    def refused(self) -> str:
        """Return which transforms were not taken and why; empty when all were."""
        return "; ".join(f"'{child}' on /tf is {why}" for child, why in self._refused.items())

    def close(self) -> None:
        """Stop listening."""
        if self._buffer is not None:
            self._listener.unregister()
            self._clock.close()

    def _may_enter(self, transform: TransformStamped) -> bool:
        child, stamp = transform.child_frame_id, from_time_msg(transform.header.stamp)
        why = self._clock.problem() or ahead_of_clock(stamp, self._clock.now_ns())
        if why:
            self._refused[child] = why
        else:
            self._refused.pop(child, None)
        return not why
