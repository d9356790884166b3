"""Faults that the stand-in can be told to have, and when they strike."""

import threading
from dataclasses import dataclass
from enum import StrEnum

from grasp_affordance.errors import ConfigError


class FaultKind(StrEnum):
    """What goes wrong."""

    NONE = "none"
    # of the robot
    PROTECTIVE_STOP = "protective_stop"
    EMERGENCY_STOP = "emergency_stop"
    PROGRAM_STOPPED = "program_stopped"
    SPEED_ZERO = "speed_zero"  # the speed slider at 0
    SILENCE = "silence"  # the driver hangs: no joint states, no IO states, no answers
    # of the gripper
    LOST_VACUUM = "lost_vacuum"  # what hangs on the cup comes off
    STUCK_SENSOR = "stuck_sensor"  # its signal stays as it is
    BROKEN_WIRE = "broken_wire"  # its signal is 0 V
    IO_HANGS = "io_hangs"  # set_io does not answer
    PAYLOAD_REFUSED = "payload_refused"  # set_payload answers success=False
    IO_REFUSED = "io_refused"  # set_io answers success=False
    # of the camera
    CAMERA_FREEZES = "camera_freezes"  # no more frames
    TF_MISSING = "tf_missing"  # frames of an optical frame that nobody knows


@dataclass(frozen=True)
class FaultConfig:
    """The fault to have; setting it again arms it again, `none` ends it.

    Attributes:
        kind: what goes wrong.
        motion: number of the trajectory, counted from now, in which it strikes; 0 strikes at once.
        progress: share of that trajectory after which it does.
    """

    kind: FaultKind = FaultKind.NONE
    motion: int = 0
    progress: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", FaultKind(self.kind))
        if self.motion < 0 or not 0 <= self.progress < 1:
            raise ConfigError(f"motion {self.motion} below 0, or progress {self.progress}")


class Faults:
    """Holds the fault that is armed; the control loop tells it how motions go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed = FaultConfig()
        self._first = 0
        self._active = FaultKind.NONE

    @property
    def active(self) -> FaultKind:
        """The fault that has struck; NONE before."""
        return self._active

    def arm(self, config: FaultConfig, motions: int) -> FaultKind:
        """Replace the fault; return the one that strikes at once, else NONE.

        Args:
            motions: trajectories that were started before now.
        """
        with self._lock:
            self._armed, self._first, self._active = config, motions, FaultKind.NONE
            if config.motion == 0:
                self._active = config.kind
            return self._active

    def during(self, motions: int, progress: float) -> FaultKind:
        """Return the fault that strikes at this moment of a motion, else NONE.

        Args:
            motions: trajectories started, with the one under way.
            progress: its share that has passed.
        """
        with self._lock:
            armed = self._armed
            waiting = armed.kind is not FaultKind.NONE and self._active is FaultKind.NONE
            due = motions - self._first, progress
            if waiting and due >= (armed.motion, armed.progress):
                self._active = armed.kind
                return self._active
            return FaultKind.NONE
