"""Stopping a pick from another thread, for a stated reason."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import Cause
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Arm, Load, Motion
from grasp_affordance.errors import StoppedError


class Cancellation:
    """A request, from any thread, that the pick under way ends with its arm at rest.

    The first request counts; later ones change nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = threading.Event()
        self._cause = Cause.CANCELLED
        self._reason = ""

    @property
    def requested(self) -> bool:
        """Whether somebody asked for an end."""
        return self._requested.is_set()

    @property
    def cause(self) -> Cause:
        """CANCELLED, or what the request named, such as CAMERA_LOST."""
        return self._cause

    @property
    def reason(self) -> str:
        """The sentence that the request gave; empty before."""
        return self._reason

    def request(self, cause: Cause = Cause.CANCELLED, reason: str = "cancelled") -> None:
        """Ask for an end: no further motion starts.

        A motion under way needs `arm.stop()` as well, again until the pick has ended: it may have
        passed its check before the request and begin after a first stop (see `Activity.stop`).
        """
        with self._lock:
            if not self._requested.is_set():
                self._cause, self._reason = cause, reason
                self._requested.set()

    def check(self) -> None:
        """Raise StoppedError once an end was requested."""
        if self._requested.is_set():
            raise StoppedError(self._reason)


@dataclass(frozen=True)
class CancellableArm:
    """An Arm that starts no motion after a cancellation and reports none as completed."""

    arm: Arm
    cancellation: Cancellation

    def tcp_pose(self) -> Array:
        """See `Arm`."""
        return self.arm.tcp_pose()

    def check_reachable(self, T_base_tool: Array, load: Load | None = None) -> None:
        """See `Arm`."""
        self.arm.check_reachable(T_base_tool, load)

    def rehearse(self, motions: Sequence[Motion]) -> None:
        """See `Arm`."""
        self.arm.rehearse(motions)

    def set_bin(self, box: BinGeometry) -> None:
        """See `Arm`."""
        self.arm.set_bin(box)

    def carry(self, load: Load | None) -> None:
        """See `Arm`; told after a cancellation too, for the robot must know what hangs on it."""
        self.arm.carry(load)

    def move_to(self, T_base_tool: Array, *, linear: bool = False) -> None:
        """See `Arm`."""
        self.cancellation.check()
        self.arm.move_to(T_base_tool, linear=linear)
        self.cancellation.check()

    def move_until_contact(self, T_base_tool: Array) -> bool:
        """See `Arm`."""
        self.cancellation.check()
        contact = self.arm.move_until_contact(T_base_tool)
        self.cancellation.check()
        return contact

    def home(self) -> None:
        """See `Arm`."""
        self.cancellation.check()
        self.arm.home()
        self.cancellation.check()

    def stop(self) -> None:
        """See `Arm`."""
        self.arm.stop()
