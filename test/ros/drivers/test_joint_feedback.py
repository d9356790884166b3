"""Where the joints are, whoever else publishes on the same topic."""

import threading
import time

import numpy as np
import pytest
from helpers.ros_harness import Ros
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from grasp_affordance.errors import DriverLostError
from grasp_affordance.ros.drivers.arm.joint_feedback import JointFeedback

NAMES = ("a", "b")


class Source:
    """Publishes joint states in a thread until it is told to end."""

    def __init__(self, ros: Ros, velocity: list[float]) -> None:
        self.velocity = velocity
        self._publisher = ros.node.create_publisher(JointState, "joints", 10)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Source":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(0.005):
            self._publisher.publish(JointState(name=["gripper"], position=[9.0], velocity=[9.0]))
            self._publisher.publish(
                JointState(name=["b", "x", "a"], position=[2.0, 9.0, 1.0], velocity=self.velocity)
            )


def test_before_the_first_state_nothing_is_known(ros: Ros) -> None:
    feedback = JointFeedback(ros.node, NAMES, "joints", lambda: None)
    with pytest.raises(DriverLostError, match="a, b"):
        feedback.newest()


def test_joints_are_put_in_order_and_those_of_others_left_out(ros: Ros) -> None:
    heard = threading.Event()
    feedback = JointFeedback(ros.node, NAMES, "joints", heard.set)
    with Source(ros, [0.2, 0.0, 0.1]):
        assert heard.wait(10.0)
        sample = feedback.newest()
        np.testing.assert_array_equal(sample.positions, [1.0, 2.0])
        np.testing.assert_array_equal(sample.velocities, [0.1, 0.2])


def test_standing_still_needs_states_that_say_so(ros: Ros) -> None:
    heard = threading.Event()
    feedback = JointFeedback(ros.node, NAMES, "joints", heard.set)
    with Source(ros, [0.2, 0.0, 0.1]) as source:
        assert heard.wait(10.0)
        assert not feedback.wait_still(0.01, 0.2)
        source.velocity = [0.0, 9.0, 0.001]
        assert feedback.wait_still(0.01, 10.0)
    assert not feedback.wait_still(0.01, 0.1), "silence is not standing still"


def test_without_velocities_the_positions_tell(ros: Ros) -> None:
    heard = threading.Event()
    feedback = JointFeedback(ros.node, NAMES, "joints", heard.set)
    with Source(ros, []):
        assert heard.wait(10.0)
        assert feedback.wait_still(0.01, 10.0)


def test_a_callback_of_the_node_may_wait_for_the_joints(ros: Ros) -> None:
    heard = threading.Event()
    feedback = JointFeedback(ros.node, NAMES, "joints", heard.set)

    def stop(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = feedback.wait_still(0.01, 5.0)
        return response

    ros.node.create_service(Trigger, "tester/stop", stop)  # in the group of transitions and ~/stop
    with Source(ros, [0.0, 0.0, 0.0]):
        assert heard.wait(10.0)
        assert ros.client.call(Trigger, "tester/stop", Trigger.Request(), patience=10.0).success


def test_a_wait_ends_by_the_time_of_the_cell(ros: Ros) -> None:
    """A simulation at a tenth of real time needs ten times the patience."""
    feedback = JointFeedback(
        ros.node, NAMES, "joints", lambda: None, clock=lambda: time.monotonic() / 10
    )
    began = time.monotonic()
    assert feedback.wait(0, 0.05) is None
    assert time.monotonic() - began >= 0.5
