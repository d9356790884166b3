"""What pulls at the cup rim, from the force-torque sensor in the arm's last joint.

Gazebo reports what the arm exerts on the tool, in the frame of the last link: m (a - g) of all that
hangs on the sensor, less what touches it from outside. A load that hangs on a cup that looks down
makes Fz more negative; a cup that presses on something makes it positive.

The tool weighs more than an object, and its lever about the cup rim is longer. So its weight and
its inertia are taken out: its acceleration is known from the poses. What remains in the air is the
sensor's offset and the error of the assumed mass; the tare takes it out. The tool's moment of
inertia (0.001 kg m^2) is left out: at 5 rad/s^2 it makes 0.005 N m, 2 % of what a seal bears.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.geometry import Array

GRAVITY = 9.8  # metres per square second along the world's -z, as Gazebo's default
_UP = np.array([0.0, 0.0, GRAVITY])  # what stands still is accelerated against gravity
_LEAST = 3  # samples of wrench and of pose in a window; fewer say nothing
_KEPT = 200  # samples of each
_SAME = 1e-6  # seconds that are no difference between stamps


@dataclass(frozen=True)
class ToolConfig:
    """What hangs on the sensor without an object.

    Attributes:
        mass: of the last link (0.188 kg for a UR5) and of the tool, kilograms.
        middle: of that mass along the link's z, metres.
        window: over which the wrench is averaged and the acceleration is found, seconds; whole
            periods of the controller, since forces come in bursts, one per period.
        tolerance: largest force in the air beside the tool's weight, newtons.
    """

    mass: float = 0.608
    middle: float = 0.034
    window: float = 0.04
    tolerance: float = 3.0

    def __post_init__(self) -> None:
        if min(self.mass, self.window, self.tolerance) <= 0:
            raise ConfigError("mass, window and tolerance of the tool must be positive")


@dataclass(frozen=True)
class Load:
    """What is on the cup rim.

    Attributes:
        pull: along the approach, newtons; negative while the cup is pressed.
        moment: across the approach, about the middle of the rim, newton metres.
    """

    pull: float
    moment: float


class LoadMeter:
    """Averages the wrench, takes the tool out, and gives the load since the tare."""

    def __init__(self, config: ToolConfig, rim: float) -> None:
        """Measure at a cup whose rim is on the link's z at `rim` metres."""
        self._config, self._rim = config, rim
        self._wrenches: deque[tuple[float, Array]] = deque(maxlen=_KEPT)
        self._poses: deque[tuple[float, Array]] = deque(maxlen=_KEPT)
        self._offset: Array | None = None

    def note_wrench(self, time: float, wrench: Array) -> None:
        """Take a wrench (6,) in the link's frame: newtons, newton metres; its stamp in seconds."""
        self._note(self._wrenches, time, wrench)

    def note_pose(self, time: float, T_world_link: Array) -> None:
        """Take a pose (4, 4) of the last link; its stamp in seconds."""
        self._note(self._poses, time, T_world_link)

    def ready(self) -> bool:
        """Whether enough was heard for a tare."""
        return self._outside() is not None

    def tare(self) -> None:
        """Take what is measured now as the unloaded cup; to be called in the air.

        Raises:
            GripperError: too little was heard, or the cup is not in the air.
        """
        outside = self._outside()
        if outside is None:
            raise GripperError(
                "the wrench and the pose of Gazebo's tool are not known: is ros_gz_bridge up?"
            )
        force = float(np.linalg.norm(outside[:3]))
        if force > self._config.tolerance:
            raise GripperError(
                f"{force:.1f} N on the cup beside the tool's weight as the vacuum goes on, at most "
                f"{self._config.tolerance:.1f} N in the air: the tool touches something, or "
                f"wrist and tool do not weigh {self._config.mass:.3f} kg"
            )
        self._offset = outside

    def load(self) -> Load | None:
        """Return the present load; None where it is not known, as before the first tare."""
        outside = self._outside()
        if outside is None or self._offset is None:
            return None
        force, torque = np.split(outside - self._offset, 2)
        at_rim = torque - np.cross([0.0, 0.0, self._rim], force)
        return Load(-float(force[2]), float(np.hypot(at_rim[0], at_rim[1])))

    def _note(self, samples: "deque[tuple[float, Array]]", time: float, value: Array) -> None:
        if samples and time < samples[-1][0]:  # the simulation began anew
            self._wrenches.clear()
            self._poses.clear()
            self._offset = None
        samples.append((time, np.array(value, dtype=np.float64)))

    def _outside(self) -> Array | None:
        """Return the mean wrench (6,) of the newest window without the tool; None if unknown."""
        if not self._wrenches or not self._poses:
            return None
        end = min(self._wrenches[-1][0], self._poses[-1][0])
        start = end - self._config.window
        # Half open: as many wrenches of each phase of the controller's period.
        wrenches = [w for t, w in self._wrenches if start + _SAME < t <= end + _SAME]
        poses = np.array([T for t, T in self._poses if start - _SAME < t <= end + _SAME])
        times = np.array([t for t, _ in self._poses if start - _SAME < t <= end + _SAME])
        if min(len(wrenches), len(times)) < _LEAST:
            return None
        middle = np.array([0.0, 0.0, self._config.middle])
        acceleration = _acceleration(times - end, poses[:, :3, :3] @ middle + poses[:, :3, 3])
        R = poses[len(poses) // 2, :3, :3]
        force = self._config.mass * R.T @ (acceleration + _UP)
        tool = np.concatenate([force, np.cross(middle, force)])
        return np.asarray(np.mean(wrenches, axis=0) - tool)


def _acceleration(times: Array, positions: Array) -> Array:
    """Return the mean acceleration (3,) of positions (N, 3): twice the curve of a parabola."""
    design = np.column_stack([np.ones_like(times), times, times**2])
    return np.asarray(2 * np.linalg.lstsq(design, positions, rcond=None)[0][2])
