"""The modes of a UR controller as its driver shows them, and what changes them."""

import threading
import time
from collections.abc import Callable

from grasp_affordance.ros.drivers.ur.ur_status import RobotMode, SafetyMode


class Robot:
    """Powered, braked, stopped or running; from any thread.

    Attributes:
        robot_mode, safety_mode, program_running: as on the driver's topics.
    """

    def __init__(
        self,
        unlock_delay: float,
        on_stop: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start up running.

        Args:
            unlock_delay: a protective stop can be unlocked only this long after it, seconds.
            on_stop: called when the robot stops taking commands.
        """
        self._unlock_delay, self._on_stop, self._clock = unlock_delay, on_stop, clock
        self._lock = threading.Lock()
        self._stopped_at = 0.0
        self.robot_mode = RobotMode.RUNNING
        self.safety_mode = SafetyMode.NORMAL
        self.program_running = True

    @property
    def takes_commands(self) -> bool:
        """Whether the trajectory controller is active."""
        return self.program_running

    def protective_stop(self) -> None:
        """Stop as after a collision."""
        self._stop(SafetyMode.PROTECTIVE_STOP, self.robot_mode)

    def emergency_stop(self) -> None:
        """Stop as after a blow on the red button: the power of the motors is cut."""
        self._stop(SafetyMode.ROBOT_EMERGENCY_STOP, RobotMode.POWER_OFF)

    def stop_program(self) -> None:
        """Stop as after the stop button of the pendant."""
        self._stop(self.safety_mode, self.robot_mode)

    def unlock_protective_stop(self) -> tuple[bool, str]:
        """Return whether the stop is unlocked, and the answer."""
        with self._lock:
            if self.safety_mode is not SafetyMode.PROTECTIVE_STOP:
                return False, "no protective stop"
            if self._clock() - self._stopped_at < self._unlock_delay:
                return False, (
                    f"Cannot unlock protective stop until {self._unlock_delay:.0f}s after it"
                )
            self.safety_mode = SafetyMode.NORMAL
            return True, "Protective stop releasing"

    def power_on(self) -> tuple[bool, str]:
        """Power the motors after the button was released; the brakes stay locked."""
        with self._lock:
            self.safety_mode, self.robot_mode = SafetyMode.NORMAL, RobotMode.IDLE
            return True, "Powering on"

    def release_brakes(self) -> tuple[bool, str]:
        """Release the brakes of a powered robot."""
        with self._lock:
            if self.robot_mode is RobotMode.POWER_OFF:
                return False, "the robot is powered off"
            self.robot_mode = RobotMode.RUNNING
            return True, "Brake releasing"

    def play(self) -> tuple[bool, str]:
        """Start the program that takes the driver's commands."""
        with self._lock:
            ready = self.robot_mode is RobotMode.RUNNING
            if not ready or self.safety_mode is not SafetyMode.NORMAL:
                return False, "Failed to execute: play"
            self.program_running = True
            return True, "Starting program"

    def _stop(self, safety: SafetyMode, mode: RobotMode) -> None:
        with self._lock:
            self.safety_mode, self.robot_mode, self.program_running = safety, mode, False
            self._stopped_at = self._clock()
        self._on_stop()
