"""What the UR driver's status topics say, and which of our errors that is.

The driver publishes `robot_mode`, `safety_mode` and `robot_program_running` latched and only when
they change, so their silence says nothing; `joint_states` comes at the controller's rate, so its
silence means that the driver is gone. A value that never came is the driver's initial one: not
running. The numbers are those of ur_dashboard_msgs; a test compares them where it is installed.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from grasp_affordance.errors import (
    ArmError,
    ConfigError,
    DriverLostError,
    EmergencyStopError,
    ProgramNotRunningError,
    ProtectiveStopError,
)


class RobotMode(IntEnum):
    """`ur_dashboard_msgs/msg/RobotMode`."""

    NO_CONTROLLER = -1
    DISCONNECTED = 0
    CONFIRM_SAFETY = 1
    BOOTING = 2
    POWER_OFF = 3
    POWER_ON = 4
    IDLE = 5
    BACKDRIVE = 6
    RUNNING = 7
    UPDATING_FIRMWARE = 8


class SafetyMode(IntEnum):
    """`ur_dashboard_msgs/msg/SafetyMode`."""

    NORMAL = 1
    REDUCED = 2
    PROTECTIVE_STOP = 3
    RECOVERY = 4
    SAFEGUARD_STOP = 5
    SYSTEM_EMERGENCY_STOP = 6
    ROBOT_EMERGENCY_STOP = 7
    VIOLATION = 8
    FAULT = 9
    VALIDATE_JOINT_ID = 10
    UNDEFINED_SAFETY_MODE = 11
    AUTOMATIC_MODE_SAFEGUARD_STOP = 12
    SYSTEM_THREE_POSITION_ENABLING_STOP = 13


_EMERGENCY = (SafetyMode.SYSTEM_EMERGENCY_STOP, SafetyMode.ROBOT_EMERGENCY_STOP)
_MAY_MOVE = (SafetyMode.NORMAL, SafetyMode.REDUCED)
_SAFETY_REMEDY = {
    SafetyMode.RECOVERY: "move the arm back into its safety limits by hand (freedrive)",
    SafetyMode.SAFEGUARD_STOP: "close the safeguard and reset it",
    SafetyMode.AUTOMATIC_MODE_SAFEGUARD_STOP: "close the safeguard and reset it",
    SafetyMode.SYSTEM_THREE_POSITION_ENABLING_STOP: "hold the enabling device in its middle",
    SafetyMode.VIOLATION: "look at the log on the pendant",
    SafetyMode.FAULT: "look at the log on the pendant; it needs a restart",
}
_ROBOT_REMEDY = {
    RobotMode.POWER_OFF: "power the robot on and release its brakes",
    RobotMode.POWER_ON: "release the brakes",
    RobotMode.IDLE: "release the brakes",
    RobotMode.BACKDRIVE: "leave freedrive",
    RobotMode.CONFIRM_SAFETY: "confirm the safety configuration on the pendant",
}


@dataclass(frozen=True)
class StatusConfig:
    """When the driver counts as lost.

    Attributes:
        joint_timeout: joint states older than this mean that the driver is gone, seconds.
    """

    joint_timeout: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.joint_timeout <= 5:
            raise ConfigError(f"joint_timeout {self.joint_timeout} s is not between 0 and 5 s")


class UrStatus:
    """The newest status; written by subscriptions, read by whoever moves the arm.

    Attributes:
        speed_scaling: factor that the robot applies to the trajectory's time; 1 is full speed.
    """

    def __init__(
        self, config: StatusConfig | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config or StatusConfig()
        self._clock = clock
        self._lock = threading.Lock()
        self._robot_mode: int | None = None
        self._safety_mode: int | None = None
        self._program_running: bool | None = None
        self._joints_at: float | None = None
        self.speed_scaling = 1.0

    def note_robot_mode(self, mode: int) -> None:
        """Take a value of `robot_mode`."""
        with self._lock:
            self._robot_mode = int(mode)

    def note_safety_mode(self, mode: int) -> None:
        """Take a value of `safety_mode`."""
        with self._lock:
            self._safety_mode = int(mode)

    def note_program_running(self, running: bool) -> None:
        """Take a value of `robot_program_running`."""
        with self._lock:
            self._program_running = bool(running)

    def take_for_running(self) -> None:
        """Note what a running robot reports, for arms that have no robot controller."""
        self.note_robot_mode(RobotMode.RUNNING)
        self.note_safety_mode(SafetyMode.NORMAL)
        self.note_program_running(True)

    def note_joints(self) -> None:
        """Take that a joint state came just now."""
        with self._lock:
            self._joints_at = self._clock()

    def problem(self) -> ArmError | None:
        """Return why the arm cannot move; None where it can.

        The most serious comes first: a robot in an emergency stop runs no program either.
        """
        with self._lock:
            return (
                self._silence()
                or self._safety_problem()
                or self._robot_problem()
                or self._program_problem()
            )

    def check(self) -> None:
        """Raise what `problem` returns."""
        problem = self.problem()
        if problem is not None:
            raise problem

    def _silence(self) -> ArmError | None:
        if self._joints_at is None:
            return DriverLostError("no joint states yet; is the robot's driver running?")
        age = self._clock() - self._joints_at
        if age > self._config.joint_timeout:
            return DriverLostError(
                f"no joint states for {age:.1f} s: the driver or its network is gone, and nobody "
                "knows whether the arm stands still; look before you restart it"
            )
        return None

    def _safety_problem(self) -> ArmError | None:
        mode = self._safety_mode
        if mode is None or mode in _MAY_MOVE:
            return None
        if mode == SafetyMode.PROTECTIVE_STOP:
            return ProtectiveStopError(
                "protective stop: see on the pendant what the arm hit, clear it, unlock the stop "
                "there and start the program again; nothing is retried by itself"
            )
        if mode in _EMERGENCY:
            return EmergencyStopError(
                "emergency stop pressed: clear the cell, release the button, power the robot on "
                "and start the program again"
            )
        name = _name(SafetyMode, mode)
        remedy = _SAFETY_REMEDY.get(SafetyMode(mode), "see the pendant") if name else "see the log"
        return EmergencyStopError(f"safety mode {mode} {name}: {remedy}")

    def _robot_problem(self) -> ArmError | None:
        mode = RobotMode.DISCONNECTED if self._robot_mode is None else self._robot_mode
        if mode == RobotMode.RUNNING:
            return None
        name = _name(RobotMode, mode)
        remedy = _ROBOT_REMEDY.get(RobotMode(mode), "see the pendant") if name else "see the log"
        return ProgramNotRunningError(f"robot mode {mode} {name}: {remedy}")

    def _program_problem(self) -> ArmError | None:
        if self._program_running:
            return None
        return ProgramNotRunningError(
            "the robot's program does not run: start the External Control program on the pendant, "
            "or call /io_and_status_controller/resend_robot_program in headless mode"
        )


def _name(modes: type[IntEnum], value: int) -> str:
    return modes(value).name if value in list(modes) else ""
