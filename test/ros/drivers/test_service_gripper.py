"""A gripper with its own ROS interface: real services, actions and topics."""

import threading
from typing import Any

import pytest
from helpers.ros_harness import Ros
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from sensor_msgs.msg import FluidPressure
from std_msgs.msg import Bool, Float32
from std_srvs.srv import SetBool

from grasp_affordance.cell_description import GripperKind
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.ros.drivers.gripper.service_gripper import (
    ServiceGripper,
    ServiceGripperConfig,
    Signal,
    Switch,
)
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import VacuumConfig
from grasp_affordance.ros.drivers.ur.cell import UrConfig

SWITCH, SIGNAL = "gripper/switch", "gripper/signal"


def config(**changes: Any) -> ServiceGripperConfig:
    values = {"switch_name": SWITCH, "signal_name": SIGNAL, "timeout": 10.0}
    return ServiceGripperConfig(**{**values, **changes})


def serve_switch(ros: Ros, answers: bool = True) -> list[bool]:
    """Offer a SetBool service; return what it was asked."""
    asked: list[bool] = []

    def serve(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        asked.append(request.data)
        response.success, response.message = answers, "" if answers else "no compressed air"
        return response

    ros.node.create_service(SetBool, SWITCH, serve, callback_group=ReentrantCallbackGroup())
    return asked


def test_the_service_is_asked_and_its_refusal_is_a_fault(ros: Ros) -> None:
    asked = serve_switch(ros)
    gripper = ServiceGripper(ros.node, config())
    gripper.switch_vacuum(True)
    gripper.switch_vacuum(False)
    assert asked == [True, False]


def test_a_refusal_carries_the_grippers_words(ros: Ros) -> None:
    serve_switch(ros, answers=False)
    with pytest.raises(GripperError, match="no compressed air"):
        ServiceGripper(ros.node, config()).switch_vacuum(True)


def test_a_gripper_that_is_not_there_is_named(ros: Ros) -> None:
    gripper = ServiceGripper(ros.node, config(timeout=0.1))
    with pytest.raises(GripperError, match="nobody offers the service"):
        gripper.switch_vacuum(True)


@pytest.mark.parametrize(
    ("signal", "message", "vacuum"),
    [
        (Signal.PRESSURE, FluidPressure(fluid_pressure=41_325.0), 60.0),
        (Signal.VACUUM, Float32(data=55.5), 55.5),
        (Signal.HOLDING, Bool(data=True), 60.0),
        (Signal.HOLDING, Bool(data=False), 0.0),
    ],
)
def test_every_signal_reads_as_kilopascals_below_ambient(
    ros: Ros, signal: Signal, message: Any, vacuum: float
) -> None:
    gripper = ServiceGripper(ros.node, config(signal=signal))
    heard = threading.Event()
    gripper.listen(lambda _: heard.set())
    publisher = ros.node.create_publisher(type(message), SIGNAL, 10)
    ros.wait_until(lambda: publisher.get_subscription_count() > 0, "discovered")
    publisher.publish(message)
    assert heard.wait(10.0)
    reading = gripper.newest()
    assert reading is not None
    assert reading.vacuum == pytest.approx(vacuum, abs=0.01)


def test_a_callback_of_the_node_may_wait_for_a_reading(ros: Ros) -> None:
    gripper = ServiceGripper(ros.node, config())
    heard = threading.Event()
    gripper.listen(lambda _: heard.set())
    publisher = ros.node.create_publisher(Bool, SIGNAL, 10)

    def release(_: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        publisher.publish(Bool(data=False))
        response.success = heard.wait(5.0)
        return response

    ros.node.create_service(SetBool, "tester/release", release)
    ros.wait_until(lambda: publisher.get_subscription_count() > 0, "discovered")
    request = SetBool.Request(data=True)
    assert ros.client.call(SetBool, "tester/release", request, patience=10.0).success


def test_the_action_is_sent_its_positions(ros: Ros) -> None:
    action = pytest.importorskip("control_msgs.action").GripperCommand
    positions: list[float] = []

    def execute(handle: Any) -> Any:
        positions.append(handle.request.command.position)
        handle.succeed()
        return action.Result()

    ActionServer(ros.node, action, SWITCH, execute, callback_group=ReentrantCallbackGroup())
    gripper = ServiceGripper(ros.node, config(switch=Switch.ACTION, on_position=0.3))
    gripper.switch_vacuum(True)
    gripper.switch_vacuum(False)
    assert positions == [0.3, 1.0]


def test_a_switch_for_a_sensor_needs_the_test_for_a_stuck_one_off() -> None:
    with pytest.raises(ConfigError, match="stuck_readings must be 0"):
        UrConfig(gripper=GripperKind.SERVICE)
    UrConfig(gripper=GripperKind.SERVICE, vacuum=VacuumConfig(stuck_readings=0))
