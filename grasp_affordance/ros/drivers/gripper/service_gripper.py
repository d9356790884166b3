"""A vacuum gripper with a ROS 2 interface of its own: a switch, and a topic that says how it holds.

The switch is a `std_srvs/SetBool` service or a `control_msgs/GripperCommand` action; the sensor a
`sensor_msgs/FluidPressure` (absolute, pascals), a `std_msgs/Float32` (kilopascals below ambient) or
a `std_msgs/Bool` (holding or not). For another interface, write a class with the four methods of
`VacuumSystem`, as here, and name it in `ur.py`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import FluidPressure
from std_msgs.msg import Bool, Float32
from std_srvs.srv import SetBool

from grasp_affordance.cell_description import Signal, Switch
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.ros.common.service_retry import call_within
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import Reading
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient


@dataclass(frozen=True)
class ServiceGripperConfig:
    """The gripper's names.

    Attributes:
        switch: service or action.
        switch_name: of that service or action.
        signal: kind of the topic.
        signal_name: of that topic.
        on_position, off_position: the action's position that means suction or not.
        effort: the action's max_effort.
        ambient: pressure without vacuum, pascals, for `pressure`.
        holding_vacuum: what a true `holding` stands for, kilopascals.
        timeout: for the switch to answer, seconds.
    """

    switch: Switch = Switch.SERVICE
    switch_name: str = "vacuum_gripper/switch"
    signal: Signal = Signal.HOLDING
    signal_name: str = "vacuum_gripper/grasping"
    on_position: float = 0.0
    off_position: float = 1.0
    effort: float = 1.0
    ambient: float = 101_325.0
    holding_vacuum: float = 60.0
    timeout: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "switch", Switch(self.switch))
        object.__setattr__(self, "signal", Signal(self.signal))
        if self.timeout <= 0 or not 0 < self.holding_vacuum <= 101.3 or self.ambient <= 0:
            raise ConfigError("timeout, holding_vacuum and ambient must be positive")


class _Switch(Protocol):
    def __call__(self, on: bool) -> None: ...


class ServiceGripper:
    """`VacuumSystem` over a service or an action."""

    def __init__(
        self,
        node: Node,
        config: ServiceGripperConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Subscribe and make the client; readings have the time of `clock`, seconds.

        Raises:
            ConfigError: a package is missing.
        """
        self._node, self._config, self._clock = node, config, clock
        self._listeners: list[Callable[[Reading], None]] = []
        self._reading: Reading | None = None
        group = ReentrantCallbackGroup()
        self._client: Any
        self._switch: _Switch
        if config.switch is Switch.SERVICE:
            self._client = node.create_client(SetBool, config.switch_name, callback_group=group)
            self._switch = self._call_service
        else:
            actions = require("control_msgs.action", "control_msgs", "a gripper with an action")
            self._goal: Any = actions.GripperCommand.Goal
            self._client = OrderedActionClient(
                node, actions.GripperCommand, config.switch_name, callback_group=group
            )
            self._switch = self._send_goal
        kind = {
            Signal.PRESSURE: FluidPressure,
            Signal.VACUUM: Float32,
            Signal.HOLDING: Bool,
        }[config.signal]
        # Not the group of the transitions and of ~/stop, which wait for a pick that reads this.
        listening = MutuallyExclusiveCallbackGroup()
        self._subscription = node.create_subscription(
            kind, config.signal_name, self._note, 10, callback_group=listening
        )

    def switch_vacuum(self, on: bool) -> None:
        """See `VacuumSystem`."""
        self._switch(on)

    def switch_blow_off(self, on: bool) -> None:
        """Do nothing: such grippers blow off by themselves when they are switched off."""

    def newest(self) -> Reading | None:
        """See `VacuumSystem`."""
        return self._reading

    def listen(self, listener: Callable[[Reading], None]) -> None:
        """See `VacuumSystem`."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Stop listening; the suction stays as it is."""
        self._node.destroy_subscription(self._subscription)
        self._client.destroy()

    def _call_service(self, on: bool) -> None:
        request = SetBool.Request(data=on)
        answer = call_within(self._client, request, self._config.timeout, GripperError)
        if not answer.success:
            raise GripperError(f"{self._config.switch_name} refused: {answer.message}")

    def _send_goal(self, on: bool) -> None:
        """Send a goal and wait for its result; a full stall of a vacuum gripper is no error."""
        config = self._config
        if not self._client.wait_for_server(timeout_sec=config.timeout):
            raise GripperError(f"nobody offers the action {config.switch_name}")
        goal = self._goal()
        goal.command.position = config.on_position if on else config.off_position
        goal.command.max_effort = config.effort
        done = threading.Event()
        accepted: list[bool] = []

        def answered(future: Any) -> None:
            handle = future.result()
            accepted.append(handle.accepted)
            if handle.accepted:
                handle.get_result_async().add_done_callback(lambda _: done.set())
            else:
                done.set()

        self._client.send_goal_async(goal).add_done_callback(answered)
        if not done.wait(config.timeout):
            raise GripperError(f"{config.switch_name} did not end within {config.timeout:.1f} s")
        if not accepted[0]:
            raise GripperError(f"{config.switch_name} refused to switch {'on' if on else 'off'}")

    def _note(self, message: FluidPressure | Float32 | Bool) -> None:
        config = self._config
        if isinstance(message, FluidPressure):
            vacuum = (config.ambient - message.fluid_pressure) / 1000.0
        elif isinstance(message, Float32):
            vacuum = float(message.data)
        else:
            vacuum = config.holding_vacuum if message.data else 0.0
        self._reading = Reading(self._clock(), vacuum)
        for listener in self._listeners:
            listener(self._reading)
