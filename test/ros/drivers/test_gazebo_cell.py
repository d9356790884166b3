"""The cell in Gazebo lives in simulated time; needs tf2_msgs and control_msgs."""

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import numpy as np
import pytest
from geometry_msgs.msg import WrenchStamped
from helpers.ros_harness import Ros
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from standin.fake_planner import FakePlanner

from grasp_affordance.errors import ArmError
from grasp_affordance.ros.common.conversions import to_time_msg
from grasp_affordance.ros.common.spin import spinning
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.contact import ContactConfig, ContactSign
from grasp_affordance.ros.drivers.gazebo.cell import GazeboDriver
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import WRENCH, GazeboGripperConfig
from grasp_affordance.ros.drivers.ur.cell import UrConfig
from grasp_affordance.ros.executor.topic_camera import TopicCamera

pytest.importorskip("tf2_msgs.msg")
pytest.importorskip("control_msgs.action")

CONTACT = ContactConfig(signs=(ContactSign.FORCE,), force_topic=WRENCH)
CONFIG = UrConfig(arm=ArmConfig(contact=CONTACT))


class Simulation:
    """Time, joints and a wrench; nothing moves."""

    def __init__(self, ros: Ros, node: Node) -> None:
        self._ros, self._node = ros, node
        create = ros.node.create_publisher
        self._clock = create(Clock, "/clock", 1)
        self._joints = create(JointState, CONFIG.arm.joint_states, 1)
        self._wrench = create(WrenchStamped, WRENCH, 1)

    def tick(self, seconds: float) -> None:
        def told() -> bool:
            self._clock.publish(Clock(clock=to_time_msg(round(seconds * 1e9))))
            return int(self._node.get_clock().now().nanoseconds) == round(seconds * 1e9)

        self._ros.wait_until(told, f"told {seconds} s")

    def measure(self) -> None:
        names = list(CONFIG.moveit.joint_names)
        still = np.zeros(len(names)).tolist()
        self._joints.publish(JointState(name=names, position=still, velocity=still))
        self._wrench.publish(WrenchStamped())


@pytest.fixture
def simulated(ros: Ros) -> Iterator[Node]:
    """Return a node that takes its time from /clock."""
    parameters = [Parameter("use_sim_time", value=True)]
    node = Node("simulated", context=ros.context, parameter_overrides=parameters)
    with spinning(node):
        yield node
    node.destroy_node()


def test_the_driver_is_lost_after_its_patience_in_simulated_time(ros: Ros, simulated: Node) -> None:
    simulation = Simulation(ros, simulated)
    driver = GazeboDriver(
        simulated,
        CONFIG,
        GazeboGripperConfig(),
        cast(TopicCamera, None),
        "base",
        lambda config, _: FakePlanner(config.moveit.joint_names),
    )
    with closing(driver):
        simulation.tick(5.0)

        def heard() -> bool:
            simulation.measure()
            return driver.problem() == ""

        ros.wait_until(heard, "heard")
        assert driver.cell.clock() == pytest.approx(5.0)
        simulation.tick(5.4)  # a slow machine: what is real time meanwhile does not count
        assert driver.problem() == ""
        simulation.tick(6.5)  # also where the last state came late, at 5.4 s
        assert "no joint states for 1." in driver.problem()
        with pytest.raises(ArmError, match=r"no joint states for 1\.\d s"):
            driver.arm.home()
