"""The robot that is described and that TF places is known in a view, or the view is refused."""

from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from helpers.ros_harness import Ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from std_msgs.msg import String

from grasp_affordance.cell_description import ToolDescription
from grasp_affordance.errors import ConfigError, TransformError
from grasp_affordance.geometry import Array
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.bin_view import BinConfig, BinViewSource
from grasp_affordance.ros.affordance.robot_in_view import RobotInView, find_mesh, tool_boxes
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import to_header_msg, to_transform_msg

ROBOT = """<robot name="r"><link name="finger"><collision><geometry>
  <box size="0.1 0.1 0.1"/></geometry></collision></link></robot>"""


class Tf:
    """Transforms of one link."""

    def __init__(self) -> None:
        self.T: Array | None = None
        self.stamp_ns = 0

    def nearest(self, target: str, source: str, stamp_ns: int) -> TransformStamped | None:
        if self.T is None or source != "finger":
            return None
        header = to_header_msg(self.stamp_ns, target)
        return TransformStamped(header=header, transform=to_transform_msg(self.T))


def in_view(ros: Ros, tf: Tf) -> RobotInView:
    tool = ToolDescription(link="vacuum_tool")  # it is in the description
    return RobotInView(ros.node, tf, "base", tool, "tool0")


def described(ros: Ros, robot: RobotInView) -> None:
    publisher = ros.node.create_publisher(String, "robot_description", topics.LATCHED)
    publisher.publish(String(data=ROBOT))
    ros.wait_until(lambda: bool(robot._boxes), "described")


def frame_at(stamp_ns: int) -> RgbdFrame:
    frame = box_frame()
    return RgbdFrame(frame.color, frame.depth, frame.intrinsics, stamp_ns, frame.frame_id)


def test_without_a_description_or_a_camera_pose_there_is_no_robot(ros: Ros) -> None:
    tf = Tf()
    robot = in_view(ros, tf)
    assert robot.mask(box_frame(), T_BASE_CAMERA) is None
    described(ros, robot)
    assert robot.mask(box_frame(), None) is None
    robot.close()


def test_the_pixels_within_a_link_are_the_robots(ros: Ros) -> None:
    tf = Tf()
    robot = in_view(ros, tf)
    described(ros, robot)
    frame = frame_at(5_000_000_000)
    points = frame.intrinsics.deproject_image(frame.depth)
    v, u = frame.shape[0] // 2, frame.shape[1] // 2
    tf.T = np.eye(4)
    tf.T[:3, 3] = (T_BASE_CAMERA @ [*points[v, u], 1.0])[:3]
    tf.stamp_ns = frame.stamp_ns - 100_000_000
    mask = robot.mask(frame, T_BASE_CAMERA)
    assert mask is not None
    assert mask[v, u]
    base = points @ T_BASE_CAMERA[:3, :3].T + T_BASE_CAMERA[:3, 3]
    near = (np.abs(base - tf.T[:3, 3]) <= 0.08).all(axis=-1)
    np.testing.assert_array_equal(mask, near)
    known = BinViewSource(BinConfig()).view(frame, T_BASE_CAMERA, mask)
    np.testing.assert_array_equal(known.robot, mask)
    robot.close()


def test_a_view_in_which_the_robots_place_is_not_known_is_refused(ros: Ros) -> None:
    tf = Tf()
    robot = in_view(ros, tf)
    described(ros, robot)
    frame = frame_at(5_000_000_000)
    with pytest.raises(TransformError, match="TF has no 'finger' in 'base'"):
        robot.mask(frame, T_BASE_CAMERA)
    tf.T, tf.stamp_ns = np.eye(4), frame.stamp_ns - 2_000_000_000
    with pytest.raises(TransformError, match=r"2\.0 s apart from the view"):
        robot.mask(frame, T_BASE_CAMERA)
    tf.stamp_ns = 0  # it never moves
    assert robot.mask(frame, T_BASE_CAMERA) is not None
    robot.close()


def test_the_tool_reaches_from_the_last_link_to_the_rim() -> None:
    (box,) = tool_boxes(ToolDescription(rim=(0.0, 0.0, 0.15, 0.0, 0.0, 0.0, 1.0)), "tool0")
    np.testing.assert_allclose(box.half, [0.033, 0.033, 0.075])
    np.testing.assert_allclose(box.T_link_box[:3, 3], [0, 0, 0.075])


@pytest.mark.parametrize("address", ["package://no_such_robot/arm.stl", "arm.stl"])
def test_a_mesh_that_is_not_here_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="description names"):
        find_mesh(address)


def test_the_affordance_node_listens_to_the_robot_where_tf_is_installed(ros: Ros) -> None:
    pytest.importorskip("tf2_ros")
    from grasp_affordance.ros.affordance.affordance_node import AffordanceNode

    node: Any = ros.start(AffordanceNode, cell="sim")
    assert node.count_subscribers("robot_description") == 1
