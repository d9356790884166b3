"""The suction in Gazebo closes and opens its joints as a real cup would; needs tf2_msgs.

The world here has no physics; its joints behave as Gazebo's `DetachableJoint` of Harmonic does: all
begin closed, each follows its own topics and tells its state when it changes.
"""

import threading

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped, WrenchStamped
from helpers.ros_harness import Ros
from std_msgs.msg import Empty, String

from grasp_affordance.cell import Cup
from grasp_affordance.errors import GripperError
from grasp_affordance.geometry import Array
from grasp_affordance.ros.common.conversions import to_transform_msg
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripper, GazeboGripperConfig

TFMessage = pytest.importorskip("tf2_msgs.msg").TFMessage

CONFIG = GazeboGripperConfig(objects=2, timeout=5.0)
BOX, CYLINDER = "object_2", "object_1"
TOP = 0.025  # metres from the middle of a box to its upper face
DOWN = np.diag([1.0, -1.0, -1.0, 1.0])


class World:
    """Poses and joints; the arm is where `reach` put the rim."""

    def __init__(self, ros: Ros, obeys: bool = True) -> None:
        self.obeys = obeys
        self.closed = {CYLINDER, BOX}
        self.closings = 0
        self._lock = threading.Lock()
        self._load = 0.0
        self._poses = {BOX: np.eye(4), CYLINDER: np.eye(4), "wrist_3_link": DOWN.copy()}
        self._poses[CYLINDER][:3, 3] = [0.5, 0.0, 0.0]
        self.reach(height=0.3)
        node = ros.node
        self._states = {}
        for name in self.closed:
            self._states[name] = node.create_publisher(String, f"/suction/{name}/state", 10)
            for word, closed in (("attach", True), ("detach", False)):
                node.create_subscription(
                    Empty,
                    f"/suction/{name}/{word}",
                    lambda _, name=name, closed=closed: self._switch(name, closed),
                    10,
                )
        self._tf = node.create_publisher(TFMessage, "/gazebo/poses", 10)
        self._wrench = node.create_publisher(WrenchStamped, "/tool/wrench", 10)
        node.create_timer(0.01, self._publish)

    def reach(self, x: float = 0.0, height: float = 0.0) -> None:
        """Put the rim over the box, `height` over its face."""
        with self._lock:
            self._poses["wrist_3_link"][:3, 3] = [x, 0.0, TOP + height + CONFIG.rim]

    def load(self, newtons: float) -> None:
        """Have something pull at the cup."""
        with self._lock:
            self._load = newtons

    def _switch(self, name: str, closed: bool) -> None:
        with self._lock:
            if not self.obeys or (name in self.closed) == closed:
                return
            (self.closed.add if closed else self.closed.discard)(name)
            self.closings += closed
        self._states[name].publish(String(data="attached" if closed else "detached"))

    def _publish(self) -> None:
        def stamped(name: str, T: Array) -> TransformStamped:
            return TransformStamped(child_frame_id=name, transform=to_transform_msg(T))

        with self._lock:
            poses = [stamped(f"ur::{name}", T) for name, T in self._poses.items()]
            wrench = WrenchStamped()
            wrench.wrench.force.z = self._load
        self._tf.publish(TFMessage(transforms=poses))
        self._wrench.publish(wrench)


def ready(ros: Ros, world: World) -> GazeboGripper:
    gripper = GazeboGripper(ros.node, CONFIG, Cup())
    ros.wait_until(lambda: not world.closed and gripper.newest() is not None, "opened")
    return gripper


def vacuum(gripper: GazeboGripper) -> float:
    reading = gripper.newest()
    return float("nan") if reading is None else reading.vacuum


def sealed(ros: Ros, world: World, gripper: GazeboGripper) -> None:
    world.reach()
    gripper.switch_vacuum(True)
    ros.wait_until(lambda: world.closed == {BOX} and vacuum(gripper) > 60.0, "sealed")


def test_joints_that_begin_closed_are_opened_before_the_first_use(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    assert world.closings == 0
    gripper.close()


def test_a_cup_on_a_flat_face_holds_it_until_the_vacuum_is_switched_off(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    sealed(ros, world, gripper)
    gripper.switch_vacuum(False)
    assert not world.closed
    ros.wait_until(lambda: vacuum(gripper) < 1.0, "free")
    gripper.close()


def test_a_cup_over_an_edge_leaks_and_holds_nothing(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    world.reach(x=0.045)
    gripper.switch_vacuum(True)
    ros.wait_until(lambda: vacuum(gripper) > 0.8 * CONFIG.leak, "leaking")
    assert not world.closed
    assert vacuum(gripper) < 1.2 * CONFIG.leak
    gripper.close()


def test_a_load_that_is_too_heavy_is_lost_and_not_caught_again_in_the_air(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    sealed(ros, world, gripper)
    world.load(-2.0 * Cup().force)
    ros.wait_until(lambda: not world.closed, "torn off")
    world.load(0.0)
    ros.wait_until(lambda: vacuum(gripper) < 1.2 * CONFIG.leak, "leaking")
    assert world.closings == 1
    world.reach(height=0.05)
    ros.wait_until(lambda: vacuum(gripper) < 1.2 * CONFIG.free, "in the air")
    world.reach()
    ros.wait_until(lambda: world.closed == {BOX}, "sealed anew")
    gripper.close()


def test_a_release_without_a_bridge_is_an_error(ros: Ros) -> None:
    gripper = GazeboGripper(ros.node, CONFIG, Cup())
    with pytest.raises(GripperError, match="nobody bridges"):
        gripper.switch_vacuum(False)
    gripper.close()


def test_a_joint_that_does_not_open_is_an_error(ros: Ros) -> None:
    world = World(ros)
    config = GazeboGripperConfig(objects=2, timeout=0.3)
    gripper = GazeboGripper(ros.node, config, Cup())
    ros.wait_until(lambda: not world.closed and gripper.newest() is not None, "opened")
    sealed(ros, world, gripper)
    world.obeys = False
    with pytest.raises(GripperError, match=f"did not let go of {BOX}"):
        gripper.switch_vacuum(False)
    gripper.close()
