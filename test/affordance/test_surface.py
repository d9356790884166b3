"""Normals, distances and the working grid."""

import dataclasses

import numpy as np
import pytest
from helpers.rendered_scene import INTRINSICS, Block, Log, base_points, camera_at, floor, render

from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.lens import Lens
from grasp_affordance.rgbd import RgbdFrame

RADIUS = 0.010


@pytest.mark.parametrize("elevation", [90, 65, 40])
def test_the_normal_of_a_plane_is_found_under_noise(elevation: float) -> None:
    T = camera_at(elevation)
    surface = observe_surface(render([floor()], T, noise=0.001, holes=0.02), RADIUS)
    inner = surface.normals[30:-30, 30:-30] @ T[:3, :3].T
    known = np.isfinite(inner[..., 0])
    assert known.mean() > 0.99
    tilt = np.degrees(np.arccos(np.clip(inner[known][:, 2], -1, 1)))
    assert np.median(tilt) < 4
    mean = inner[known].mean(axis=0)
    assert np.degrees(np.arccos(mean[2] / np.linalg.norm(mean))) < 0.3  # without bias


def test_normals_are_unit_vectors_towards_the_camera() -> None:
    scene: list[Block | Log] = [
        floor(),
        Block((-0.1, -0.1, 0), (0.05, 0.1, 0.06)),
        Log((0.1, 0, 0.03), 0.03, 0.1),
    ]
    surface = observe_surface(render(scene, camera_at(50), noise=0.001, holes=0.02), RADIUS)
    known = np.isfinite(surface.normals[..., 0])
    np.testing.assert_allclose(np.linalg.norm(surface.normals[known], axis=-1), 1, atol=1e-5)
    assert (np.einsum("ij,ij->i", surface.normals[known], surface.points[known]) < 0).all()


def test_the_normal_of_a_cylinder_turns_with_it() -> None:
    T = camera_at(90)
    log = Log((0.0, 0.0, 0.05), 0.05, 0.3)
    surface = observe_surface(render([floor(), log], T), 0.006)
    points = surface.points @ T[:3, :3].T + T[:3, 3]
    expected = (points - [0, 0, 0.05]) * [0, 1, 1] / 0.05
    flank = (
        (points[..., 2] > 0.05) & (np.abs(points[..., 0]) < 0.1) & (np.abs(points[..., 1]) < 0.03)
    )
    angle = np.einsum("ijk,ijk->ij", surface.normals @ T[:3, :3].T, expected)[flank]
    assert np.degrees(np.arccos(np.clip(angle, -1, 1))).max() < 3


def test_the_residual_is_the_noise_on_a_plane_and_more_at_a_step() -> None:
    frame = render([floor(), Block((-0.1, 0, 0), (0.1, 0.1, 0.03))], camera_at(90), noise=0.001)
    surface = observe_surface(frame, RADIUS)
    flat = surface.edge_distance > 0.03
    assert np.median(surface.residual[flat]) == pytest.approx(0.001, rel=0.15)
    assert surface.residual[surface.edge_distance < 0.002].mean() > 0.0025


@pytest.mark.parametrize("distance", [0.4, 0.8])
def test_distances_are_metres_at_any_range(distance: float) -> None:
    T = camera_at(90, distance)
    frame = render([floor(), Block((-0.08, -0.08, 0), (0.08, 0.08, 0.04))], T)
    frame.depth[110:130, 150:170] = np.nan
    surface = observe_surface(frame, RADIUS)
    points = surface.points @ T[:3, :3].T + T[:3, 3]
    top = (points[..., 2] > 0.03) & (np.abs(points[..., :2]).max(axis=-1) < 0.075)
    to_edge = 0.08 - np.abs(points[..., :2]).max(axis=-1)
    np.testing.assert_allclose(surface.edge_distance[top], to_edge[top], atol=0.006)
    hole = (np.array([10, 10]) + 0.5) / INTRINSICS.fx * (distance - 0.04)
    outside = np.maximum(np.abs(points[..., :2]) - hole[0], 0)
    to_hole = np.hypot(outside[..., 0], outside[..., 1])
    clear = top & (to_hole < 0.05) & (to_edge > 0.01)
    np.testing.assert_allclose(surface.hole_distance[clear], to_hole[clear], atol=0.006)


def test_a_grid_pixel_is_at_its_point() -> None:
    T = camera_at(55)
    frame = render([floor()], T, noise=0.0)
    surface = observe_surface(frame, 0.03)
    assert surface.shape[0] < 240  # coarser than the image
    image = base_points(frame, T)
    for row, column in ((5, 7), (20, 40), (surface.shape[0] - 1, surface.shape[1] - 1)):
        u, v = surface.pixel(row, column)
        grid = T[:3, :3] @ surface.points[row, column] + T[:3, 3]
        np.testing.assert_allclose(grid, image[v, u], atol=0.006)


def test_masks_and_maps_go_to_the_image_and_back() -> None:
    surface = observe_surface(render([floor()], camera_at(70)), 0.03)
    values = np.random.default_rng(0).random(surface.shape).astype(np.float32)
    assert surface.to_image(values).shape == (240, 320)
    mask = values > 0.5
    np.testing.assert_array_equal(surface.mask_to_grid(surface.mask_to_image(mask)), mask)


def test_a_window_is_the_same_surface_at_its_place_in_the_image() -> None:
    frame = render([floor(), Block((-0.1, 0, 0), (0.1, 0.1, 0.03))], camera_at(70))
    whole = observe_surface(frame, RADIUS)
    window = slice(40, 200), slice(64, 280)
    part = observe_surface(frame, RADIUS, window)
    factor = whole.shape[0] / 240
    inside = tuple(slice(round(s.start * factor), round(s.stop * factor)) for s in window)
    np.testing.assert_allclose(part.points, whole.points[inside], atol=1e-6)
    inner = np.s_[10:-10, 10:-10]
    np.testing.assert_allclose(part.normals[inner], whole.normals[inside][inner], atol=1e-4)
    corner = inside[0].start, inside[1].start
    assert part.pixel(3, 5) == whole.pixel(corner[0] + 3, corner[1] + 5)
    image = part.to_image(np.ones(part.shape, np.float32))
    assert image.shape == frame.shape
    assert image[window].min() == 1
    assert image.sum() == 160 * 216
    mask = np.random.default_rng(0).random(frame.shape) > 0.5
    np.testing.assert_array_equal(part.mask_to_grid(mask), whole.mask_to_grid(mask)[inside])
    assert not part.mask_to_image(np.ones(part.shape, np.bool_))[0].any()


def test_a_frame_full_of_holes_yields_no_normals_and_no_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    depth = np.full((240, 320), np.nan, np.float32)
    depth[::30, ::30] = 0.5  # nearer to each other they would be specks of a surface
    frame = RgbdFrame(np.zeros((240, 320, 3), np.uint8), depth, INTRINSICS)
    surface = observe_surface(frame, RADIUS)
    assert not np.isfinite(surface.normals).any()
    assert not recwarn.list


def wide_camera() -> Intrinsics:
    lens = Lens.of("plumb_bob", (-0.30, 0.12, 0.0012, -0.0008, -0.02))
    return Intrinsics(240.0, 242.0, 161.0, 118.0, 320, 240, lens)


def test_a_plane_through_a_wide_lens_is_a_plane_up_to_the_edges_of_the_image() -> None:
    T = camera_at(75, 0.8)
    surface = observe_surface(render([floor()], T, intrinsics=wide_camera()), RADIUS)
    up = T[2, :3]
    known = np.isfinite(surface.normals[..., 2])
    assert known[2:-2, 2:-2].all()
    assert np.degrees(np.arccos(np.clip(surface.normals[known] @ up, -1, 1))).max() < 0.5
    assert surface.residual[known].max() < 0.2e-3


def test_the_cells_of_a_wide_lens_span_what_lies_between_their_points() -> None:
    surface = observe_surface(render([floor()], camera_at(90, 0.8), intrinsics=wide_camera()), 0.01)
    right = np.linalg.norm(np.diff(surface.points, axis=1), axis=-1)[1:-1, 1:]
    down = np.linalg.norm(np.diff(surface.points, axis=0), axis=-1)[1:, 1:-1]
    shape = tuple(np.minimum(right.shape, down.shape))
    mean = np.sqrt(right[: shape[0], : shape[1]] * down[: shape[0], : shape[1]])
    inner = surface.spacing[1:-1, 1:-1][: shape[0], : shape[1]]
    np.testing.assert_allclose(inner, mean, rtol=0.05)
    assert surface.spacing[2, 2] > 1.2 * surface.spacing[surface.shape[0] // 2].min()


def test_cells_that_no_ray_of_the_lens_reaches_are_unknown_and_spoil_no_neighbour() -> None:
    camera = Intrinsics(150.0, 150.0, 159.5, 119.5, 320, 240, Lens.of("plumb_bob", (-0.32,)))
    frame = render([floor()], camera_at(90, 0.8), intrinsics=camera)
    depth = np.where(np.isfinite(frame.depth), frame.depth, np.float32(0.8))  # as a sensor gives it
    surface = observe_surface(dataclasses.replace(frame, depth=depth), RADIUS)
    rays = np.isfinite(camera.deproject_image(depth)[..., 2])
    assert not rays[0, 0]
    height, width = surface.shape
    assert np.isnan(surface.points[0, 0]).all()
    middle = surface.normals[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    np.testing.assert_allclose(middle, np.broadcast_to([0, 0, -1.0], middle.shape), atol=1e-3)
    assert not dataclasses.replace(frame, depth=depth).without_blind().known[0, 0]
