"""A vacuum ejector on the inputs and outputs of a UR controller.

Outputs are switched through the driver's service `set_io` and confirmed by the states that come
back on `io_states`; the sensor is read from the same topic.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile

from grasp_affordance.cell_description import Sensing
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.ros.common.service_retry import call_within
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import Reading
from grasp_affordance.ros.drivers.gripper.vacuum_sensor import VacuumSensorConfig

_NEWEST = QoSProfile(depth=1)  # at 500 Hz an older state is of no interest


@dataclass(frozen=True)
class UrIoConfig:
    """How the ejector is wired.

    Attributes:
        controller: name of the driver's I/O controller, relative to the namespace.
        vacuum_pin: digital output of the suction valve: 0 to 7 standard, 8 to 15 configurable, 16
            and 17 at the tool.
        blow_off_pin: digital output of the blow-off valve; -1 where there is none.
        timeout: for the service to answer and for the output to follow, each, seconds.
        sensor: on the inputs.
    """

    controller: str = "io_and_status_controller"
    vacuum_pin: int = 0
    blow_off_pin: int = 1
    timeout: float = 2.0
    sensor: VacuumSensorConfig = field(default_factory=VacuumSensorConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.vacuum_pin <= 17 or not -1 <= self.blow_off_pin <= 17:
            raise ConfigError("output pins are 0 to 17, blow_off_pin may be -1")
        if self.vacuum_pin == self.blow_off_pin:
            raise ConfigError(f"pin {self.vacuum_pin} cannot be both vacuum and blow-off")
        if self.timeout <= 0:
            raise ConfigError(f"timeout {self.timeout} s must be positive")


class UrIo:
    """`VacuumSystem` over `ur_msgs`."""

    def __init__(
        self, node: Node, config: UrIoConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Subscribe and make the client; readings have the time of `clock`, seconds.

        Raises:
            ConfigError: ur_msgs is not installed.
        """
        self._node, self._config, self._clock = node, config, clock
        messages = require("ur_msgs.msg", "ur_msgs", "a gripper on the robot's outputs")
        self._set_io: Any = require(
            "ur_msgs.srv", "ur_msgs", "a gripper on the robot's outputs"
        ).SetIO
        self._changed = threading.Condition()
        self._reading: Reading | None = None
        self._outputs: dict[int, bool] = {}
        self._listeners: list[Callable[[Reading], None]] = []
        group = ReentrantCallbackGroup()
        self._client = node.create_client(
            self._set_io, f"{config.controller}/set_io", callback_group=group
        )
        # Not the group of the transitions and of ~/stop, which wait for a pick that reads this.
        self._subscription = node.create_subscription(
            messages.IOStates,
            f"{config.controller}/io_states",
            self._note,
            _NEWEST,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )

    def switch_vacuum(self, on: bool) -> None:
        """See `VacuumSystem`."""
        self._switch(self._config.vacuum_pin, on, "the vacuum")

    def switch_blow_off(self, on: bool) -> None:
        """See `VacuumSystem`."""
        if self._config.blow_off_pin >= 0:
            self._switch(self._config.blow_off_pin, on, "the blow-off")

    def newest(self) -> Reading | None:
        """See `VacuumSystem`."""
        with self._changed:
            return self._reading

    def listen(self, listener: Callable[[Reading], None]) -> None:
        """See `VacuumSystem`."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Stop listening; the outputs stay as they are."""
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_client(self._client)

    def _switch(self, pin: int, on: bool, what: str) -> None:
        request = self._set_io.Request(
            fun=self._set_io.Request.FUN_SET_DIGITAL_OUT, pin=pin, state=float(on)
        )
        answer = call_within(self._client, request, self._config.timeout, GripperError)
        if not answer.success:
            raise GripperError(
                f"the robot refused to switch output {pin} ({what}): is its program running, and "
                "is the pin free for use (not under PLC or fieldbus control)?"
            )
        with self._changed:
            followed = self._changed.wait_for(
                lambda: self._outputs.get(pin) == on, self._config.timeout
            )
        if not followed:
            raise GripperError(
                f"output {pin} ({what}) did not follow within {self._config.timeout:.1f} s"
            )

    def _note(self, message: Any) -> None:
        reading = Reading(self._clock(), self._vacuum_of(message))
        with self._changed:
            self._outputs = {int(d.pin): bool(d.state) for d in message.digital_out_states}
            self._reading = reading
            self._changed.notify_all()
        for listener in self._listeners:
            listener(reading)

    def _vacuum_of(self, message: Any) -> float:
        """Return kilopascals below ambient; NaN where the pin is not among the states."""
        sensor = self._config.sensor
        if sensor.sensing is Sensing.ANALOG:
            signals = {int(a.pin): float(a.state) for a in message.analog_in_states}
            return sensor.from_analog(signals.get(sensor.pin, float("nan")))
        states = {int(d.pin): bool(d.state) for d in message.digital_in_states}
        if sensor.pin not in states:
            return float("nan")
        return sensor.from_digital(states[sensor.pin])
