"""A force is believed while it is fresh; a sensor that falls silent ends the approach."""

import pytest
from geometry_msgs.msg import Vector3, Wrench, WrenchStamped
from helpers.ros_harness import Ros

from grasp_affordance.cell_description import ContactSign
from grasp_affordance.errors import ArmError, ConfigError
from grasp_affordance.ros.drivers.arm.contact import ContactConfig, ContactWatch
from grasp_affordance.ros.drivers.ur.ur_feedback import ForceTopic


def push(x: float, y: float, z: float) -> WrenchStamped:
    return WrenchStamped(wrench=Wrench(force=Vector3(x=x, y=y, z=z)))


def heard(force: ForceTopic) -> bool:
    try:
        force.magnitude()
    except ArmError:
        return False
    return True


def test_a_force_counts_by_its_magnitude_until_it_is_old(ros: Ros) -> None:
    force = ForceTopic(ros.node, "wrench", 1.0)
    with pytest.raises(ArmError, match=r"no force on wrench yet: contact\.signs"):
        force.magnitude()
    publisher = ros.node.create_publisher(WrenchStamped, "wrench", 1)

    def pushed() -> bool:
        publisher.publish(push(3.0, 0.0, 4.0))
        return heard(force)

    ros.wait_until(pushed, "heard")
    assert force.magnitude() == pytest.approx(5.0)
    signs = ContactConfig(signs=(ContactSign.FORCE,))
    watch = ContactWatch(signs, {ContactSign.FORCE: force.magnitude})
    assert not watch.touched()
    ros.wait_until(lambda: not heard(force), "old")
    with pytest.raises(ArmError, match="last force on wrench is"):
        watch.touched()


def test_a_force_may_not_be_waited_for_without_end() -> None:
    for timeout in (0.0, 60.0):
        with pytest.raises(ConfigError, match="force_timeout"):
            ContactConfig(force_timeout=timeout)
