"""The UR5's kinematics: forward and inverse agree, with each other and with the physics."""

import numpy as np
import pytest
from helpers.sim_objects import place

from grasp_affordance.errors import UnreachableError
from grasp_affordance.geometry import approach_pose
from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.robot import kinematics


def test_the_outstretched_arm_is_where_the_published_parameters_put_it() -> None:
    flange = kinematics.forward(np.zeros(6))
    np.testing.assert_allclose(flange[:3, 3], [-0.81725, -0.19145, -0.005491], atol=1e-6)


def test_every_inverse_solution_leads_back_to_the_pose() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        joints = rng.uniform(-3.0, 3.0, 6)
        pose = kinematics.forward(joints)
        solutions = kinematics.inverse_all(pose)
        assert solutions
        for solution in solutions:
            np.testing.assert_allclose(kinematics.forward(solution), pose, atol=1e-9)
        turns = (np.array(solutions) - joints + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turns).max(axis=1).min() < 1e-6


def test_the_inverse_stays_near_and_within_the_joint_limits() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        near = rng.uniform(-2.5, 2.5, 6)
        found = kinematics.inverse(kinematics.forward(near + rng.normal(0, 0.01, 6)), near)
        assert np.abs(found - near).max() < 0.1
        far = kinematics.inverse(kinematics.forward(near), near + 4 * np.pi * np.ones(6))
        assert (np.abs(far) <= kinematics.JOINT_LIMITS).all()


@pytest.mark.parametrize("point", [(1.2, 0.0, 0.3), (0.0, 0.0, 0.2), (0.5, 0.0, 1.2)])
def test_a_pose_out_of_reach_is_refused(point: tuple[float, float, float]) -> None:
    with pytest.raises(UnreachableError, match="workspace"):
        kinematics.inverse(approach_pose(point, (0, 0, -1)), np.zeros(6))


def test_the_physics_has_the_same_kinematics(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.05, 0.05, 0.05), (0, 0, 0.03))])
    T = approach_pose((0.45, 0.1, 0.30), (0, 0, -1), yaw=0.4)
    shared_cell.arm.move_to(T)
    cup_rim = shared_cell.suction.cup_rim_pose()
    assert np.linalg.norm(cup_rim[:3, 3] - T[:3, 3]) < 1.5e-3
    np.testing.assert_allclose(shared_cell.arm.tcp_pose(), T, atol=3e-3)
