"""Which pixels of a frame show the robot: described on `robot_description`, placed by TF.

Where nobody describes a robot, or TF is not installed, there is none to be cut out.
"""

import logging
import threading
from pathlib import Path
from typing import Protocol

import numpy as np
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from geometry_msgs.msg import TransformStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_msgs.msg import String

from grasp_affordance.affordance.bin.robot_links import LinkBox, link_boxes, robot_mask
from grasp_affordance.arrays import Array, Mask
from grasp_affordance.cell_description import ToolDescription
from grasp_affordance.errors import ConfigError, TransformError
from grasp_affordance.geometry import approach_pose, invert
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import from_time_msg, from_transform_msg

_log = logging.getLogger(__name__)

_APART = 0.3  # seconds between a frame and the pose of a link in it, at most
_PACKAGE = "package://"
_FILE = "file://"


class Transforms(Protocol):
    """What is asked of TF; see `ros/common/transforms.py:TfListener`."""

    def nearest(self, target: str, source: str, stamp_ns: int) -> TransformStamped | None:
        """Return the transform at a time, or the newest where that is not known."""


class RobotInView:
    """Knows the boxes around a robot's links and where they were when a frame was exposed."""

    def __init__(
        self, node: Node, tf: Transforms, base_frame_id: str, tool: ToolDescription, tip_link: str
    ) -> None:
        """Listen to the robot's description.

        Args:
            tip_link: the arm's last link, on which the tool hangs that the description lacks.
        """
        self._node, self._tf, self._base = node, tf, base_frame_id
        self._tool = [] if tool.link else tool_boxes(tool, tip_link)
        self._boxes: list[LinkBox] = []
        self._lock = threading.Lock()
        self._subscription = node.create_subscription(
            String,
            "robot_description",
            self._note,
            topics.LATCHED,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )

    def mask(self, frame: RgbdFrame, T_base_camera: Array | None) -> Mask | None:
        """Return the pixels (H, W) that show the robot; None where no robot is known.

        Raises:
            TransformError: the robot is described, and TF does not say where its links were.
        """
        with self._lock:
            boxes = list(self._boxes)
        if not boxes or T_base_camera is None:
            return None
        T_camera_base = invert(T_base_camera)
        return robot_mask(frame, boxes, lambda link: T_camera_base @ self._pose(link, frame))

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def _pose(self, link: str, frame: RgbdFrame) -> Array:
        """Return `T_base_link` (4, 4) at the time of a frame."""
        message = self._tf.nearest(self._base, link, frame.stamp_ns)
        if message is None:
            raise TransformError(
                f"the robot is described, but TF has no '{link}' in '{self._base}': where the view "
                "shows the robot is not known; is robot_state_publisher running, and do joint "
                "states come?"
            )
        stamp = from_time_msg(message.header.stamp)
        apart = abs(stamp - frame.stamp_ns) * 1e-9
        if stamp and apart > _APART:
            raise TransformError(
                f"the pose of '{link}' on TF is {apart:.1f} s apart from the view: where it shows "
                "the robot is not known; have the joint states stopped, or do the clocks differ?"
            )
        return from_transform_msg(message.transform)

    def _note(self, message: String) -> None:
        try:
            boxes = link_boxes(message.data, find_mesh)
        except ConfigError as error:
            _log.error("the robot is not cut out of the views: %s", error)
            return
        with self._lock:
            self._boxes = [*boxes, *self._tool]


def tool_boxes(tool: ToolDescription, tip_link: str) -> list[LinkBox]:
    """Return the box around the tool from the arm's last link to the rim of its cup."""
    if tool.length == 0:
        return []
    T = approach_pose(np.array(tool.rim[:3]) / 2, np.array(tool.rim[:3]) / tool.length)
    return [LinkBox(tip_link, T, np.array([tool.radius, tool.radius, tool.length / 2]))]


def find_mesh(address: str) -> Path:
    """Return the file of a mesh's address.

    Raises:
        ConfigError: its package is not installed, or it is no address of a file.
    """
    if address.startswith(_FILE):
        return Path(address.removeprefix(_FILE))
    package, _, path = address.removeprefix(_PACKAGE).partition("/")
    if not address.startswith(_PACKAGE) or not path:
        raise ConfigError(f"the robot's description names '{address}', which is no file")
    try:
        return Path(get_package_share_directory(package)) / path
    except PackageNotFoundError as error:
        raise ConfigError(
            f"the robot's description names {address}, and {package} is not installed here"
        ) from error
