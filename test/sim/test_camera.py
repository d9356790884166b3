"""The camera's geometry is true, and a calibration's error is what the hardness says."""

import numpy as np
import pytest
from helpers.sim_objects import LYING, place

from grasp_affordance.errors import CameraError
from grasp_affordance.geometry import check_rigid, invert, transform_points
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.vision.camera import calibrated_pose, true_camera_pose


def test_a_rendered_point_deprojects_to_its_true_base_position(shared_cell: SimCell) -> None:
    size = np.array([0.06, 0.04, 0.05])
    shared_cell.lay_out([place(shapes.box(*size), (0.09, -0.07, 0.026))])
    frame = shared_cell.camera.read()
    centre = shared_cell.world.positions()[0]
    top = np.argwhere((shared_cell.oracle.true_masks() == 0) & (frame.depth < 0.7505))
    points = transform_points(
        shared_cell.camera.pose(),
        frame.intrinsics.deproject(top[:, 1], top[:, 0], frame.depth[top[:, 0], top[:, 1]]),
    )
    pixel = 0.75 / frame.intrinsics.fx
    np.testing.assert_allclose(points.mean(axis=0)[:2], centre[:2], atol=1e-3)
    np.testing.assert_allclose(points[:, 2], centre[2] + size[2] / 2, atol=1e-3)
    np.testing.assert_allclose(np.ptp(points[:, :2], axis=0), size[:2], atol=2 * pixel)


def test_depth_lies_on_the_surface_of_a_cylinder(shared_cell: SimCell) -> None:
    radius = 0.030
    shared_cell.lay_out([place(shapes.cylinder(radius, 0.11), (0.06, 0.08, radius), LYING)])
    frame = shared_cell.camera.read()
    state = shared_cell.oracle.objects()[0]
    v, u = np.nonzero(shared_cell.oracle.true_masks() == 0)
    points = frame.intrinsics.deproject(u, v, frame.depth[v, u])
    base = transform_points(shared_cell.oracle.T_base_camera, points)
    axis = state.T_base_object[:3, 2]
    offset = base - state.T_base_object[:3, 3]
    away = np.linalg.norm(offset - (offset @ axis)[:, None] * axis, axis=1)
    side = np.abs(offset @ axis) < 0.054
    assert np.median(np.abs(away[side] - radius)) < 3e-4
    assert np.quantile(np.abs(away[side] - radius), 0.99) < 1e-3


def test_the_image_is_upright_and_sees_the_whole_bin(shared_cell: SimCell) -> None:
    intrinsics = shared_cell.camera.intrinsics
    T = np.linalg.inv(shared_cell.camera.pose())
    far, near, left = (
        intrinsics.project(transform_points(T, np.array(p)))
        for p in ([0.7, 0.0, 0.12], [0.3, 0.0, 0.12], [0.5, 0.2, 0.12])
    )
    assert 0 < far[1] < near[1] < intrinsics.height
    assert 0 < left[0] < intrinsics.width / 2


@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.15, -0.1), (-0.2, 0.0)])
@pytest.mark.parametrize("turn", [0.0, 0.6, -2.0])
def test_from_any_position_the_camera_looks_at_the_middle_of_the_bins_floor(
    offset: tuple[float, float], turn: float
) -> None:
    config = SimConfig(camera_offset=offset, camera_turn=turn, camera_height=0.9)
    T = check_rigid(true_camera_pose(config))
    middle = np.array([*config.bin.centre, config.bin.floor])
    in_camera = transform_points(invert(T), middle)
    np.testing.assert_allclose(in_camera[:2], 0, atol=1e-12)
    assert in_camera[2] == pytest.approx(np.linalg.norm([*offset, 0.9]))
    np.testing.assert_allclose(T[:3, 3] - middle, [*offset, 0.9])
    straight = true_camera_pose(SimConfig(camera_offset=offset, camera_height=0.9))
    turned = straight[:3, :3].T @ T[:3, :3]
    assert np.arctan2(turned[1, 0], turned[0, 0]) == pytest.approx(turn)
    assert straight[0, 1] < -0.9  # image down is away from the base's +x


def test_the_arm_at_home_is_out_of_view(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.05, 0.05, 0.05), (0, 0, 0.03))])
    geoms = shared_cell.camera.geom_ids()
    names = {shared_cell.world.model.geom(g).name for g in np.unique(geoms) if g >= 0}
    assert not [name for name in names if name.startswith(("arm/", "tool/"))]
    assert "bin_floor" in names


@pytest.mark.parametrize(
    ("hardness", "least", "most"),
    [
        (Hardness.IDEAL, 0.0, 0.0),
        (Hardness.REALISTIC, 1e-5, 0.002 * 3**0.5),
        (Hardness.ADVERSE, 0.002, 0.010),
    ],
)
def test_the_calibration_is_as_wrong_as_the_hardness_says(
    hardness: Hardness, least: float, most: float
) -> None:
    errors = []
    for seed in range(30):
        config = SimConfig(hardness=hardness, seed=seed)
        true = true_camera_pose(config)
        found = calibrated_pose(config, true)
        np.testing.assert_array_equal(found, calibrated_pose(config, true))
        errors.append(np.linalg.norm(found[:3, 3] - true[:3, 3]))
    assert least <= min(errors)
    assert max(errors) <= most


def test_frames_are_stamped_with_simulated_time_and_get_newer(shared_cell: SimCell) -> None:
    first = shared_cell.camera.read()
    second = shared_cell.camera.read(newer_than_ns=first.stamp_ns + 100_000_000)
    assert second.stamp_ns > first.stamp_ns + 100_000_000
    with pytest.raises(CameraError, match="future"):
        shared_cell.camera.read(newer_than_ns=second.stamp_ns + 10_000_000_000)
