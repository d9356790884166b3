"""Software limits refuse what leaves them, and nothing else."""

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError, UnreachableError
from grasp_affordance.execution.safety import JointLimits, Workspace, check_path

BOX = Workspace((0.0, -0.5, 0.0), (1.0, 0.5, 0.8))
LIMITS = JointLimits((-1.0, -2.0), (1.0, 2.0), speed=2.0)


def at(x: float, y: float = 0.0, z: float = 0.4) -> np.ndarray:
    T = np.eye(4)
    T[:3, 3] = [x, y, z]
    return T


def pose_of(joints: np.ndarray) -> np.ndarray:
    return at(float(joints[0]))


def test_every_point_of_the_box_is_allowed_and_none_beside_it() -> None:
    rng = np.random.default_rng(0)
    for x, y, z in rng.uniform([-0.5, -1, -0.5], [1.5, 1, 1.3], (200, 3)):
        inside = 0 <= x <= 1 and -0.5 <= y <= 0.5 and 0 <= z <= 0.8
        if inside:
            BOX.check(at(x, y, z))
        else:
            with pytest.raises(UnreachableError, match=r"leaves the workspace: [xyz] = "):
                BOX.check(at(x, y, z))


def test_a_pose_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(UnreachableError, match="nan"):
        BOX.check(at(np.nan))


def test_the_refusal_names_joint_and_angle() -> None:
    LIMITS.check(np.array([[0.0, 0.0], [1.0, -2.0]]))
    with pytest.raises(UnreachableError, match=r"joint 2 to 2\.50 rad"):
        LIMITS.check(np.array([[0.0, 0.0], [0.5, 2.5]]))


def test_angles_of_another_arm_are_refused() -> None:
    with pytest.raises(UnreachableError, match="3 joints"):
        LIMITS.check(np.zeros(3))


def test_the_speed_between_two_points_counts() -> None:
    times = np.array([0.0, 1.0, 1.1])
    LIMITS.check_speed(times, np.array([[0.0, 0.0], [0.9, 0.0], [0.9, 0.1]]))
    with pytest.raises(UnreachableError, match=r"3\.00 rad/s"):
        LIMITS.check_speed(times, np.array([[0.0, 0.0], [0.9, 0.0], [0.9, 0.3]]))


def test_a_path_is_refused_where_it_leaves_the_box_although_both_ends_are_inside() -> None:
    path = [np.array([x]) for x in (0.5, 0.9, 1.2, 0.5)]
    with pytest.raises(UnreachableError, match=r"x = 1\.200"):
        check_path(BOX, path, pose_of)


def test_an_arm_outside_may_come_back_but_not_go_further() -> None:
    check_path(BOX, [np.array([x]) for x in (1.3, 1.2, 1.0, 0.5)], pose_of)
    with pytest.raises(UnreachableError):
        check_path(BOX, [np.array([x]) for x in (1.3, 1.4)], pose_of)
    with pytest.raises(UnreachableError):
        check_path(BOX, [np.array([x]) for x in (1.3, 0.5, 1.2)], pose_of)


def test_empty_limits_are_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Workspace((0.0, 0.0, 0.0), (1.0, 1.0, 0.0))
    with pytest.raises(ConfigError):
        JointLimits((0.0,), (0.0,))
    with pytest.raises(ConfigError):
        JointLimits((0.0,), (1.0, 2.0))
