"""The suction in Gazebo closes and opens its joints as a real cup would; needs tf2_msgs.

The world here has no physics; its joints behave as Gazebo's `DetachableJoint` of Harmonic does: all
begin closed, each follows its own topics and tells its state when it changes.
"""

import threading
import time

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped, WrenchStamped
from helpers.ros_harness import Ros
from std_msgs.msg import Empty, String

from grasp_affordance.cell import Cup
from grasp_affordance.errors import GripperError
from grasp_affordance.geometry import Array
from grasp_affordance.ros.common.conversions import to_time_msg, to_transform_msg
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripper, GazeboGripperConfig

TFMessage = pytest.importorskip("tf2_msgs.msg").TFMessage

CONFIG = GazeboGripperConfig(objects=2, timeout=5.0)
BOX, CYLINDER = "object_2", "object_1"
TOP = 0.025  # metres from the middle of a box to its upper face
DOWN = np.diag([1.0, -1.0, -1.0, 1.0])
FREE = -5.96  # newtons along the link's z in the air
SPEED = 0.05  # metres per second


class World:
    """Poses and joints; the arm goes where `reach` sends the rim.

    Every 10 ms it publishes 10 ms of simulated time, whatever the load of the machine.
    """

    def __init__(self, ros: Ros, obeys: bool = True, closed: bool = True) -> None:
        self.obeys = obeys
        self.mute = False
        self.closed = {CYLINDER, BOX} if closed else set()
        self.closings = 0
        self.requests = 0  # to open a joint
        self._lock = threading.Lock()
        self._load, self._time = 0.0, 0.0
        self._objects = {BOX: np.eye(4), CYLINDER: np.eye(4)}
        self._objects[CYLINDER][:3, 3] = [0.5, 0.0, 0.0]
        self._rim = self._goal = np.array([0.0, 0.0, TOP + 0.02])
        node = ros.node
        self._states = {}
        for name in self._objects:
            self._states[name] = node.create_publisher(String, f"/suction/{name}/state", 10)
            for word, closed in (("attach", True), ("detach", False)):
                node.create_subscription(
                    Empty,
                    f"/suction/{name}/{word}",
                    lambda _, name=name, closed=closed: self._switch(name, closed),
                    10,
                )
        self._arm = node.create_publisher(TFMessage, "/gazebo/arm_poses", 10)
        self._tf = node.create_publisher(TFMessage, "/gazebo/object_poses", 10)
        self._wrench = node.create_publisher(WrenchStamped, "/tool/wrench", 10)
        node.create_timer(0.01, self._publish)

    def reach(self, x: float = 0.0, height: float = 0.0) -> None:
        """Send the rim over the box, `height` over its face."""
        with self._lock:
            self._goal = np.array([x, 0.0, TOP + height])

    def arrived(self) -> bool:
        with self._lock:
            return bool((self._rim == self._goal).all())

    def load(self, newtons: float) -> None:
        """Have something pull at the cup, or press on it."""
        with self._lock:
            self._load = newtons

    def _switch(self, name: str, closed: bool) -> None:
        with self._lock:
            self.requests += not closed
            if not self.obeys or (name in self.closed) == closed:
                return
            (self.closed.add if closed else self.closed.discard)(name)
            self.closings += closed
        self._states[name].publish(String(data="attached" if closed else "detached"))

    def _publish(self) -> None:
        with self._lock:
            away = self._goal - self._rim
            step = SPEED * 0.01 / max(SPEED * 0.01, np.abs(away).max())
            self._rim = self._goal if step == 1.0 else self._rim + step * away
            self._time += 0.01
            now, load = self._time, self._load
            T = DOWN.copy()
            T[:3, 3] = self._rim - CONFIG.rim * T[:3, 2]
            objects = [stamped(name, T, now) for name, T in self._objects.items()]
        self._arm.publish(TFMessage(transforms=[stamped("ur::wrist_3_link", T, now)]))
        self._tf.publish(TFMessage(transforms=objects))
        for at in () if self.mute else (now - 0.005, now):
            wrench = WrenchStamped()
            wrench.header.stamp = to_time_msg(round(at * 1e9))
            wrench.wrench.force.z = FREE - load
            self._wrench.publish(wrench)


def stamped(name: str, T: Array, seconds: float) -> TransformStamped:
    message = TransformStamped(child_frame_id=name, transform=to_transform_msg(T))
    message.header.stamp = to_time_msg(round(seconds * 1e9))
    return message


def ready(ros: Ros, world: World, config: GazeboGripperConfig = CONFIG) -> GazeboGripper:
    gripper = GazeboGripper(ros.node, config, Cup())
    ros.wait_until(lambda: not world.closed and gripper.newest() is not None, "opened")
    return gripper


def vacuum(gripper: GazeboGripper) -> float:
    reading = gripper.newest()
    return float("nan") if reading is None else reading.vacuum


def sealed(ros: Ros, world: World, gripper: GazeboGripper) -> None:
    gripper.switch_vacuum(True)
    world.reach()
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
    world.reach(x=0.045, height=0.02)
    ros.wait_until(world.arrived, "over the edge")
    gripper.switch_vacuum(True)
    world.reach(x=0.045)
    ros.wait_until(lambda: vacuum(gripper) > 0.8 * CONFIG.leak, "leaking")
    assert not world.closed
    assert vacuum(gripper) < 1.2 * CONFIG.leak
    gripper.close()


def test_a_load_that_is_too_heavy_is_lost_and_not_caught_again_in_the_air(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    sealed(ros, world, gripper)
    world.load(2.0 * Cup().force)
    ros.wait_until(lambda: not world.closed, "torn off")
    world.load(0.0)
    ros.wait_until(lambda: vacuum(gripper) < 1.2 * CONFIG.leak, "leaking")
    assert world.closings == 1
    world.reach(height=0.02)
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
    gripper = ready(ros, world, GazeboGripperConfig(objects=2, timeout=0.3))
    sealed(ros, world, gripper)
    world.obeys = False
    with pytest.raises(GripperError, match=f"did not let go of {BOX}"):
        gripper.switch_vacuum(False)
    gripper.close()


def test_pressing_is_no_load_and_what_hangs_on_the_cup_is_held(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    gripper.switch_vacuum(True)
    world.load(-550.0)
    world.reach()
    ros.wait_until(lambda: world.closed == {BOX} and vacuum(gripper) > 60.0, "sealed")
    world.load(0.2 * 9.8)
    world.reach(height=0.01)
    ros.wait_until(world.arrived, "lifted")
    assert world.closed == {BOX}
    assert vacuum(gripper) > 60.0
    gripper.close()


def test_a_vacuum_that_goes_on_while_the_cup_presses_on_something_is_an_error(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    world.load(-50.0)
    time.sleep(0.3)
    with pytest.raises(GripperError, match="touches something"):
        gripper.switch_vacuum(True)
    gripper.close()


def test_joints_that_have_opened_are_left_alone(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    time.sleep(0.3)
    heard = world.requests
    time.sleep(1.0)
    assert world.requests == heard
    gripper.close()


def test_joints_that_were_open_before_are_asked_for_a_while_only(ros: Ros) -> None:
    world = World(ros, closed=False)
    gripper = ready(ros, world, GazeboGripperConfig(objects=2, timeout=0.5))
    ros.wait_until(lambda: world.requests > 0, "asked")
    time.sleep(1.0)
    heard = world.requests
    assert heard < 20
    time.sleep(1.0)
    assert world.requests == heard
    gripper.close()


def test_a_silent_wrench_ends_the_readings(ros: Ros) -> None:
    world = World(ros)
    gripper = ready(ros, world)
    world.mute = True
    time.sleep(1.0)
    last = gripper.newest()
    time.sleep(0.3)
    assert gripper.newest() is last
    gripper.close()
