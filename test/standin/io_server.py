"""The topics and services of the UR driver's I/O controller and dashboard client."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool, Float64
from std_srvs.srv import Trigger

from grasp_affordance.cell_description import Sensing
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.gripper.vacuum_sensor import VacuumSensorConfig
from standin.faults import FaultKind
from standin.machine import Machine

_CONTROLLER = "io_and_status_controller"
_DASHBOARD = "dashboard_client"
_LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
_ADC_NOISE = 0.002  # volts, of the robot's analogue inputs
_STRONGEST = 5.0  # kilograms that a UR5 carries at most
_HANG = 60.0  # seconds that a hanging service keeps its caller waiting at most


class IoServer:
    """Publishes with `publish`, which belongs into the control loop; serves its services."""

    def __init__(self, node: Node, machine: Machine, sensor: VacuumSensorConfig) -> None:
        """Publish and serve.

        Raises:
            ConfigError: ur_msgs or ur_dashboard_msgs is not installed.
        """
        self._machine, self._sensor = machine, sensor
        self._rng = np.random.default_rng(0)
        self._vacuum = self._tremble = 0.0
        self._messages: Any = require("ur_msgs.msg", "ur_msgs", "the stand-in")
        self._modes: Any = require("ur_dashboard_msgs.msg", "ur_dashboard_msgs", "the stand-in")
        services: Any = require("ur_msgs.srv", "ur_msgs", "the stand-in")
        set_io, set_payload = services.SetIO, services.SetPayload
        self.payloads: list[tuple[float, tuple[float, float, float]]] = []  # kg, metres
        self._digital_out = set_io.Request.FUN_SET_DIGITAL_OUT
        self._closing = threading.Event()
        self._states = node.create_publisher(
            self._messages.IOStates, f"{_CONTROLLER}/io_states", 10
        )
        self._robot_mode = node.create_publisher(
            self._modes.RobotMode, f"{_CONTROLLER}/robot_mode", _LATCHED
        )
        self._safety_mode = node.create_publisher(
            self._modes.SafetyMode, f"{_CONTROLLER}/safety_mode", _LATCHED
        )
        self._running = node.create_publisher(
            Bool, f"{_CONTROLLER}/robot_program_running", _LATCHED
        )
        self._speed = node.create_publisher(
            Float64, "speed_scaling_state_broadcaster/speed_scaling", 10
        )
        self._shown: tuple[int, int, bool] = (0, 0, False)  # the messages' initial values
        # The driver's controllers answer one request after the other, in the order of arrival.
        one_by_one = MutuallyExclusiveCallbackGroup()
        node.create_service(
            set_io, f"{_CONTROLLER}/set_io", self._set_io, callback_group=one_by_one
        )
        node.create_service(
            set_payload,
            f"{_CONTROLLER}/set_payload",
            self._take_payload,
            callback_group=one_by_one,
        )
        group = ReentrantCallbackGroup()
        robot = machine.robot
        for name, action in {
            "unlock_protective_stop": robot.unlock_protective_stop,
            "power_on": robot.power_on,
            "brake_release": robot.release_brakes,
            "play": robot.play,
        }.items():
            node.create_service(
                Trigger, f"{_DASHBOARD}/{name}", _triggered(action), callback_group=group
            )

    def publish(self) -> None:
        """Publish the pins, and what has changed of the modes."""
        self._states.publish(self._pins())
        self._speed.publish(Float64(data=100.0 * self._machine.scaling))
        robot = self._machine.robot
        now = (int(robot.robot_mode), int(robot.safety_mode), robot.program_running)
        before, self._shown = self._shown, now
        if now[0] != before[0]:
            self._robot_mode.publish(self._modes.RobotMode(mode=now[0]))
        if now[1] != before[1]:
            self._safety_mode.publish(self._modes.SafetyMode(mode=now[1]))
        if now[2] != before[2]:
            self._running.publish(Bool(data=now[2]))

    def close(self) -> None:
        """Let go of callers that hang."""
        self._closing.set()

    def _pins(self) -> Any:
        digital, analog = self._messages.Digital, self._messages.Analog
        sensor, active = self._sensor, self._machine.faults.active
        if active is not FaultKind.STUCK_SENSOR:
            self._vacuum = self._machine.vacuum()
            self._tremble = float(self._rng.normal(0.0, _ADC_NOISE))
        inputs = dict.fromkeys(range(18), False)
        signals = {0: 0.0, 1: 0.0}
        if sensor.sensing is Sensing.DIGITAL:
            inputs[sensor.pin] = (self._vacuum >= sensor.switch_vacuum) != sensor.inverted
        elif active is not FaultKind.BROKEN_WIRE:
            signals[sensor.pin] = sensor.to_analog(self._vacuum) + self._tremble
        return self._messages.IOStates(
            digital_in_states=[digital(pin=p, state=s) for p, s in inputs.items()],
            digital_out_states=[digital(pin=p, state=s) for p, s in self._machine.outputs.items()],
            analog_in_states=[
                analog(pin=p, domain=analog.VOLTAGE, state=s) for p, s in signals.items()
            ],
            analog_out_states=[analog(pin=p, domain=analog.VOLTAGE) for p in range(2)],
        )

    def _set_io(self, request: Any, response: Any) -> Any:
        active = self._machine.faults.active
        if active is FaultKind.IO_HANGS:
            self._hang()
        known = request.fun == self._digital_out and 0 <= request.pin <= 17
        response.success = bool(known and active is not FaultKind.IO_REFUSED)
        if response.success:
            self._machine.set_output(int(request.pin), request.state > 0.5)
        return response

    def _take_payload(self, request: Any, response: Any) -> Any:
        active = self._machine.faults.active
        if active is FaultKind.IO_HANGS:
            self._hang()
        centre = request.center_of_gravity
        ready = self._machine.robot.takes_commands and 0 <= request.mass <= _STRONGEST
        response.success = ready and active is not FaultKind.PAYLOAD_REFUSED
        if response.success:
            self.payloads.append((float(request.mass), (centre.x, centre.y, centre.z)))
        return response

    def _hang(self) -> None:
        """Keep the caller waiting until the fault is over."""
        for _ in range(round(_HANG / 0.05)):
            hanging = self._machine.faults.active is FaultKind.IO_HANGS
            if not hanging or self._closing.wait(0.05):
                return


def _triggered(action: Callable[[], tuple[bool, str]]) -> Callable[[Any, Any], Any]:
    def serve(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = action()
        return response

    return serve
