"""What the arm's driver asks of a motion planner: MoveIt behind it, or anything else."""

from typing import Protocol

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory


class Planner(Protocol):
    """Finds motions; moves nothing. Called from one thread at a time.

    Attributes:
        joint_names: of the arm, in the order of every array of angles.
    """

    joint_names: tuple[str, ...]

    def tool_pose(self, joints: Array) -> Array:
        """Return `T_base_tool` (4, 4) of the rim of the cup at angles (J,), radians."""

    def check_reachable(self, T_base_tool: Array, near: Array, load: Load | None = None) -> None:
        """Raise UnreachableError unless some angles reach the pose without a collision.

        The search for them starts at angles `near` (J,), radians. `load` must not collide either.
        """

    def plan_linear(self, start: Array, T_base_tool: Array, speed: float) -> JointTrajectory:
        """Return a straight line of the tool centre point at `speed`, m/s.

        Raises:
            UnreachableError: the line is not possible. PlanningError: for another reason.
        """

    def plan_free(
        self, start: Array, T_base_tool: Array, share: float, load: Load | None = None
    ) -> JointTrajectory:
        """Return a motion that avoids what is known of the cell, at a share of full speed.

        What is carried on it, `load`, is kept off the cell too.

        Raises:
            UnreachableError: there is none. PlanningError: for another reason.
        """

    def plan_joints(self, start: Array, goal: Array, share: float) -> JointTrajectory:
        """Return such a motion to angles (J,).

        Raises:
            UnreachableError: there is none. PlanningError: for another reason.
        """

    def set_bin(self, box: BinGeometry) -> None:
        """Keep motions off the walls of this bin, and no longer off those of the one before."""

    def close(self) -> None:
        """Free what the planner holds."""
