"""Durations are in the time of the cell: that of a simulation where there is one."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from helpers.ros_harness import Ros
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from grasp_affordance.ros.common.conversions import to_time_msg
from grasp_affordance.ros.common.freshness import NodeClock
from grasp_affordance.ros.common.spin import spinning


@pytest.fixture
def simulated(ros: Ros) -> Iterator[Node]:
    """Return a node that takes its time from /clock."""
    parameters = [Parameter("use_sim_time", value=True)]
    node = Node("simulated", context=ros.context, parameter_overrides=parameters)
    with spinning(node):
        yield node
    node.destroy_node()


def tick(ros: Ros, node: Node, seconds: float) -> None:
    publisher = ros.node.create_publisher(Clock, "/clock", 1)

    def told() -> bool:
        publisher.publish(Clock(clock=to_time_msg(round(seconds * 1e9))))
        return int(node.get_clock().now().nanoseconds) == round(seconds * 1e9)

    ros.wait_until(told, f"told {seconds} s")
    ros.node.destroy_publisher(publisher)


def test_seconds_are_those_of_the_simulation(ros: Ros, simulated: Node) -> None:
    real = [100.0]
    with closing(NodeClock(simulated, steady=lambda: real[0])) as clock:
        tick(ros, simulated, 5.0)
        real[0] += 1.5
        assert clock.seconds() == pytest.approx(5.0)
        tick(ros, simulated, 5.15)
        assert clock.seconds() == pytest.approx(5.15)


def test_waits_end_in_a_simulation_that_stands_still(ros: Ros, simulated: Node) -> None:
    real = [100.0]
    with closing(NodeClock(simulated, steady=lambda: real[0])) as clock:
        tick(ros, simulated, 5.0)
        real[0] += 10.0
        assert 5.0 + 7.0 < clock.seconds() <= 5.0 + 10.0


def test_without_a_simulation_nobody_sets_the_seconds(ros: Ros) -> None:
    with closing(NodeClock(ros.node, steady=lambda: 42.0)) as clock:
        assert clock.seconds() == 42.0
