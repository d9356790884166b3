"""FakePlanner: the UR5's own kinematics without obstacles, where MoveIt is not installed.

Only for the stand-in: it checks nothing but reach, and lifts over the bin's rim instead of planning
around anything.
"""

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.errors import CellError
from grasp_affordance.geometry import check_rigid
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.sim.config import MotionLimits
from grasp_affordance.sim.robot import kinematics
from grasp_affordance.sim.robot.trajectory import JointPath, SpeedProfile
from grasp_affordance.sim.scene import TOOL_LENGTH

_PERIOD = 0.04  # seconds between the points of a trajectory
_SPACING = 0.01  # metres between the joint solutions on a line
_POSTURE = (kinematics.Branch(shoulder=1, wrist=-1, elbow=1),)  # elbow up, always
_GENTLE = 0.5  # share of the simulated arm's accelerations, which a load on the cup bears


class FakePlanner:
    """`Planner` over the simulator's inverse kinematics.

    Attributes:
        joint_names: as given.
        fails: raised by the next plan, once; what a test or a benchmark wants it to be.
        delay: plans that succeed before it is raised.
    """

    def __init__(self, joint_names: tuple[str, ...], limits: MotionLimits | None = None) -> None:
        self.joint_names = joint_names
        self.fails: CellError | None = None
        self.delay = 0
        self._limits = limits or MotionLimits()

    def tool_pose(self, joints: Array) -> Array:
        """See `Planner`."""
        T = kinematics.forward(joints)
        T[:3, 3] += TOOL_LENGTH * T[:3, 2]
        return T

    def check_reachable(
        self,
        T_base_tool: Array,
        near: Array,
        load: Load | None = None,
    ) -> None:
        """See `Planner`."""
        kinematics.inverse(_flange(check_rigid(T_base_tool, "T_base_tool")), near, _POSTURE)

    def set_bin(self, box: BinGeometry) -> None:
        """See `Planner`; this one knows no obstacles."""

    def plan_linear(self, start: Array, T_base_tool: Array, speed: float) -> JointTrajectory:
        """See `Planner`; the tool's orientation changes at most by little on its lines."""
        self._fail_if_told()
        first, last = kinematics.forward(start), _flange(T_base_tool)
        span = last[:3, 3] - first[:3, 3]
        length = float(np.linalg.norm(span))
        count = max(1, int(np.ceil(length / _SPACING)))
        joints = [start]
        for k in range(1, count + 1):
            T = last.copy()
            T[:3, 3] = first[:3, 3] + span * k / count
            joints.append(kinematics.inverse(T, joints[-1], _POSTURE))
        path = JointPath(np.linspace(0.0, max(length, 1e-4), count + 1), np.array(joints))
        return self._timed(path, speed, self._limits.linear_acceleration)

    def plan_free(
        self,
        start: Array,
        T_base_tool: Array,
        share: float,
        load: Load | None = None,
    ) -> JointTrajectory:
        """See `Planner`; straight in joint space."""
        goal = kinematics.inverse(_flange(T_base_tool), start, _POSTURE)
        return self.plan_joints(start, goal, share)

    def plan_joints(self, start: Array, goal: Array, share: float) -> JointTrajectory:
        """See `Planner`; straight in joint space."""
        self._fail_if_told()
        speed = share * self._limits.joint_speed
        return self._timed(JointPath.straight(start, goal), speed, self._limits.joint_acceleration)

    def close(self) -> None:
        """See `Planner`."""

    def _timed(self, path: JointPath, speed: float, acceleration: float) -> JointTrajectory:
        profile = SpeedProfile.plan(path.length, speed, _GENTLE * acceleration)
        count = max(2, int(np.ceil(profile.duration / _PERIOD)) + 1)
        times = np.linspace(0.0, max(profile.duration, _PERIOD), count)
        positions = np.array([path.at(profile.distance(t)) for t in times])
        velocities = np.gradient(positions, times, axis=0)
        velocities[[0, -1]] = 0.0
        return JointTrajectory(self.joint_names, times, positions, velocities)

    def _fail_if_told(self) -> None:
        if self.fails is None:
            return
        if self.delay:
            self.delay -= 1
            return
        error, self.fails = self.fails, None
        raise error


def _flange(T_base_tool: Array) -> Array:
    T = np.array(T_base_tool, dtype=np.float64)
    T[:3, 3] -= TOOL_LENGTH * T[:3, 2]
    return T
