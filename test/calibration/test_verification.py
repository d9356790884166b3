import numpy as np
import pytest
from helpers.calibration_scenes import transform
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.calibration.tool import pivot
from grasp_affordance.calibration.verification import verify
from grasp_affordance.geometry import Array, transform_points

KNOWN = np.array([[0.4, -0.1, 0.0], [0.6, -0.1, 0.03], [0.6, 0.12, 0.0], [0.4, 0.1, 0.06]])
POINT = np.array([0.5, 0.1, 0.02])


def touching(offset: Array, count: int, seed: int, two_axes: bool = True) -> list[Array]:
    """Poses of a tool whose tip is at `offset`, all with the tip on POINT within 0.1 mm."""
    rng = np.random.default_rng(seed)
    poses = []
    for _ in range(count):
        angles = rng.uniform(-0.5, 0.5, 2) * [1, two_axes]
        R = Rotation.from_euler("xy", angles) * Rotation.from_euler("x", np.pi)
        place = POINT - R.apply(offset) + rng.normal(0, 1e-4, 3)
        poses.append(transform(R, place))
    return poses


def test_points_where_they_should_be_are_no_problem() -> None:
    seen = KNOWN + np.random.default_rng(0).normal(0, 5e-4, KNOWN.shape)
    assert not verify(seen, KNOWN).problem


def test_a_moved_camera_is_told_from_a_wrong_depth() -> None:
    moved = transform(Rotation.from_rotvec([0.02, 0, 0]), (0.0, 0.006, 0.0))
    result = verify(transform_points(moved, KNOWN), KNOWN)
    assert "calibrate again" in result.problem
    assert result.turn == pytest.approx(0.02, abs=1e-6)
    assert result.remaining < 1e-9
    stretched = verify(KNOWN * 1.1, KNOWN)
    assert "depth" in stretched.problem


def test_one_point_is_enough_for_a_result_but_not_for_its_cause() -> None:
    result = verify(KNOWN[:1] + 0.01, KNOWN[:1])
    assert result.problem
    assert np.isnan(result.turn)


@pytest.mark.parametrize("seen", [np.zeros((0, 3)), KNOWN[:2], np.full((4, 3), np.nan)])
def test_points_that_cannot_be_compared_are_a_named_error(seen: Array) -> None:
    with pytest.raises(CalibrationError):
        verify(seen, KNOWN if seen.shape[0] else seen)


@pytest.mark.parametrize("seed", range(5))
def test_the_tip_is_found_from_poses_that_touch_one_point(seed: int) -> None:
    offset = np.array([0.003, -0.002, 0.005])
    found = pivot(touching(offset, 8, seed))
    assert np.linalg.norm(found.offset - offset) < 1e-3
    assert np.linalg.norm(found.point - POINT) < 1e-3
    assert found.rms < 3e-4
    assert found.error.max() < 1e-3


def test_poses_tilted_about_one_axis_leave_the_tip_open() -> None:
    with pytest.raises(CalibrationError, match="about one axis"):
        pivot(touching(np.zeros(3), 8, 0, two_axes=False))
    with pytest.raises(CalibrationError, match="four or more"):
        pivot(touching(np.zeros(3), 3, 0))
