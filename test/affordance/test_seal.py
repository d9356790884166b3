"""The cup rim and the seal prior, against surfaces whose geometry is known."""

import numpy as np
import pytest
from helpers.rendered_scene import INTRINSICS, Block, Log, camera_at, floor, render

from grasp_affordance.affordance.seal.cup_rim import touch
from grasp_affordance.affordance.seal.seal import (
    SealConfig,
    coverage_factor,
    distance_factor,
    seal_prior,
    tilt_factor,
    tolerance_factor,
)
from grasp_affordance.affordance.surface.surface import Surface, observe_surface
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame

CUP = Cup()
ABOVE = camera_at(90)
TABLE = Block((-0.12, -0.10, 0.0), (0.12, 0.10, 0.05))


def observed(
    solids: list, T: np.ndarray = ABOVE, noise: float = 0.0, holes: float = 0.0
) -> tuple[Surface, np.ndarray]:
    """Return the surface and its points in the base frame."""
    surface = observe_surface(render(solids, T, noise, holes), CUP.radius)
    return surface, surface.points @ T[:3, :3].T + T[:3, 3]


def score_at(score: np.ndarray, points: np.ndarray, x: float, y: float) -> float:
    """Return the score of the cell nearest to a place in the base frame."""
    distance = np.hypot(points[..., 0] - x, points[..., 1] - y)
    return float(score[np.unravel_index(np.nanargmin(distance), distance.shape)])


def test_the_cup_rim_bends_on_a_cylinder_as_geometry_says() -> None:
    radius = 0.05
    surface, points = observed([floor(), Log((0, 0, 0.02), radius, 0.3)])
    contact = touch(surface, CUP.radius, reach=0.002)
    crown = (np.abs(points[..., 1]) < 0.003) & (np.abs(points[..., 0]) < 0.1)
    expected = CUP.radius**2 / (4 * radius)
    np.testing.assert_allclose(np.median(contact.bend[crown]), expected, rtol=0.06)
    np.testing.assert_allclose(np.median(contact.dome[crown]), expected, rtol=0.1)
    assert np.median(contact.roughness[crown]) < 0.1 * expected
    assert (contact.coverage[crown] == 1).all()


@pytest.mark.parametrize("elevation", [90, 55, 35])
def test_a_plane_is_a_full_flat_seal_from_any_direction(elevation: float) -> None:
    T = camera_at(elevation)
    surface, points = observed([floor()], T)
    contact = touch(surface, CUP.radius, reach=0.002)
    near = np.abs(points[..., :2]).max(axis=-1) < 0.1
    assert contact.coverage[near].min() == 1
    assert max(contact.bend[near].max(), contact.roughness[near].max()) < 1e-4
    tilt = np.degrees(np.arccos(np.clip(contact.normals[near] @ T[2, :3], -1, 1)))
    assert tilt.max() < 0.5


def test_the_score_is_a_probability_and_ignores_what_is_unknown() -> None:
    T = camera_at(50)
    surface, _ = observed([TABLE, Log((0, 0, 0.08), 0.03, 0.1)], T, noise=0.001, holes=0.05)
    score = seal_prior(surface, CUP, T[2, :3]).score
    assert score.dtype == np.float32
    assert score.shape == surface.shape
    assert 0 <= score.min() < 0.01
    assert 0.5 < score.max() <= 1
    assert (score[np.isnan(surface.points[..., 2])] == 0).all()


@pytest.mark.parametrize("elevation", [90, 60, 45])
def test_the_middle_of_a_face_beats_its_edge_and_its_corner(elevation: float) -> None:
    T = camera_at(elevation)
    surface, points = observed([floor(), TABLE], T, noise=0.0005)
    score = seal_prior(surface, CUP, T[2, :3]).score
    score = np.where(points[..., 2] > 0.045, score, 0)
    middle = score_at(score, points, 0, 0)
    assert middle > 0.8
    assert score_at(score, points, 0, 0.097) < 0.25 * middle
    assert score_at(score, points, 0.117, 0.097) < 0.25 * middle


def test_what_is_farther_from_the_objects_does_not_change_their_score() -> None:
    T = camera_at(90)
    surface, points = observed([floor(), TABLE], T, noise=0.0005)
    top = points[..., 2] > 0.045
    anywhere = seal_prior(surface, CUP, T[2, :3], objects=np.ones_like(top)).score
    alone = seal_prior(surface, CUP, T[2, :3], objects=top).score
    np.testing.assert_allclose(alone[top], anywhere[top], atol=1e-3)
    far = points[..., 0] > points[top][:, 0].max() + 4 * CUP.radius
    assert anywhere[far].max() > 0.5
    assert alone[far].max() == 0


def test_less_curved_is_better_and_on_a_pencil_no_cup_seals() -> None:
    scores = []
    for radius in (0.008, 0.015, 0.03, 0.06):
        surface, points = observed([floor(), Log((0, 0, radius), radius, 0.2)], noise=0.0003)
        score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
        scores.append(score_at(score, points, 0, 0))
    assert scores == sorted(scores)
    assert scores[0] < 0.1
    assert scores[-1] > 0.8


def test_the_crown_of_a_cylinder_beats_its_flank() -> None:
    surface, points = observed([floor(), Log((0, 0, 0.05), 0.05, 0.2)])
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    by_offset = [score_at(score, points, 0, y) for y in (0.0, 0.01, 0.02, 0.03)]
    assert by_offset == sorted(by_offset, reverse=True)
    assert by_offset[-1] < 0.5 * by_offset[0]  # 37 degrees


def test_a_tilt_beyond_the_bellows_is_refused_and_the_approach_decides() -> None:
    T = camera_at(55)
    surface, points = observed([floor()], T)
    near = np.abs(points[..., :2]).max(axis=-1) < 0.1
    vertical = seal_prior(surface, CUP, T[2, :3])
    along_axis = seal_prior(surface, CUP, np.array([0, 0, -1.0]))
    assert vertical.score[near].min() > 0.8
    assert along_axis.score[near].max() < 0.1
    np.testing.assert_allclose(np.degrees(along_axis.tilt[near]), 35, atol=0.5)


def test_a_hole_under_the_cup_rim_lowers_the_score_and_the_hole_itself_has_none() -> None:
    frame = render([floor(), TABLE], ABOVE)
    whole = seal_prior(observe_surface(frame, CUP.radius), CUP, np.array([0, 0, -1.0])).score
    frame.depth[115:125, 160:170] = np.nan
    surface = observe_surface(frame, CUP.radius)
    holed = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    assert holed[120, 165] == 0
    assert holed[120, 158] < 0.3 * whole[120, 158]
    assert holed[120, 100] == pytest.approx(whole[120, 100], abs=0.02)


def test_a_groove_across_the_cup_rim_leaks() -> None:
    halves = [
        Block((-0.1, -0.1, 0), (0.1, -0.0015, 0.05)),
        Block((-0.1, 0.0015, 0), (0.1, 0.1, 0.05)),
    ]
    surface, points = observed([floor(), *halves])
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    assert score_at(score, points, 0, 0.0) < 0.5 * score_at(score, points, 0, 0.05)


def test_a_low_place_among_high_neighbours_is_worse() -> None:
    pit = [
        Block((-0.10, -0.10, 0), (0.10, -0.03, 0.08)),
        Block((-0.10, 0.03, 0), (0.10, 0.10, 0.08)),
    ]
    surface, points = observed([floor(), *pit])
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    assert score_at(score, points, 0, 0.065) > 1.05 * score_at(score, points, 0, 0.0)


def test_the_middle_of_a_long_object_is_the_best_place_on_it() -> None:
    surface, points = observed([floor(), Block((-0.02, -0.08, 0), (0.02, 0.08, 0.05))])
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    along = [score_at(score, points, 0, y) for y in (0.0, 0.02, 0.04, 0.06)]
    assert along == sorted(along, reverse=True)
    assert along[-1] < 0.8 * along[0]


def test_what_lies_free_beats_what_something_lies_on() -> None:
    boxes = [
        Block((-0.13, -0.06, 0), (-0.07, 0.06, 0.04)),
        Block((0.07, -0.06, 0), (0.13, 0.06, 0.04)),
        Block((0.04, 0.02, 0.04), (0.16, 0.06, 0.08)),  # across the second one's end
    ]
    surface, points = observed([floor(), *boxes])
    objects = points[..., 2] > 0.01
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0]), objects=objects).score
    below = np.where(points[..., 2] < 0.05, score, 0)
    free = below[points[..., 0] < 0].max()
    assert below[points[..., 0] > 0].max() < 0.85 * free


def test_a_covered_box_is_best_held_nearer_to_what_covers_it() -> None:
    """There its middle is, as the other box tells, and not in the middle of what is seen."""
    other = Block((-0.13, -0.08, 0), (-0.07, 0.08, 0.04))
    covered = Block((0.07, -0.08, 0), (0.13, 0.08, 0.04))
    across = Block((0.04, 0.03, 0.04), (0.16, 0.08, 0.08))
    surface, points = observed([floor(), other, covered, across])
    objects = points[..., 2] > 0.01
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0]), objects=objects).score
    seen_middle = (-0.08 + 0.03) / 2
    assert score_at(score, points, 0.10, 0.0) > score_at(score, points, 0.10, 2 * seen_middle)


def test_a_layer_of_many_objects_has_no_middle() -> None:
    surface, points = observed([floor(), Block((-0.15, -0.15, 0), (0.15, 0.15, 0.05))])
    score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
    assert score_at(score, points, 0, 0.1) == pytest.approx(score_at(score, points, 0, 0), abs=0.02)


def test_a_larger_cup_needs_a_larger_face() -> None:
    scores = []
    for radius in (0.006, 0.010, 0.016):
        cup = Cup(radius=radius)
        frame = render([floor(), Block((-0.015, -0.1, 0), (0.015, 0.1, 0.05))], ABOVE)
        surface = observe_surface(frame, radius)
        score = seal_prior(surface, cup, np.array([0, 0, -1.0])).score
        points = surface.points @ ABOVE[:3, :3].T + ABOVE[:3, 3]
        scores.append(score_at(score, points, 0, 0))
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.1


def test_no_depth_and_wild_depth_raise_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    color = np.zeros((240, 320, 3), np.uint8)
    wild = np.random.default_rng(0).uniform(0.1, 9, (240, 320)).astype(np.float32)
    wild[::3] = np.nan
    empty = np.full((240, 320), np.nan, np.float32)
    empty[5, 5] = 0.5
    for depth in (wild, empty):
        surface = observe_surface(RgbdFrame(color, depth, INTRINSICS), CUP.radius)
        score = seal_prior(surface, CUP, np.array([0, 0, -1.0])).score
        assert np.isfinite(score).all()
        assert score.max() < 0.2
    assert not recwarn.list


def test_the_factors_have_the_ends_that_they_promise() -> None:
    grid = np.linspace(0, 1, 101, dtype=np.float32)
    assert coverage_factor(grid)[[0, 75, 100]].tolist() == [0, 0, 1]
    np.testing.assert_allclose(tolerance_factor(grid, 0.5)[[0, 50]], [1, np.exp(-1)], rtol=1e-6)
    np.testing.assert_allclose(
        tilt_factor(grid, 0.5)[[0, 50, 100]], [0.9975, 0.5, 0.0025], atol=1e-3
    )
    assert distance_factor(grid, 0.5, 1.5)[[0, 75, 100]].tolist() == [0, 1, 1]
    for values in (tilt_factor(grid, 0.5), tolerance_factor(grid, 0.2)):
        assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize(
    "changes", [{"cup_rim_reach": 0.0}, {"edge_margin": 1.0}, {"top_bonus": 1.5}, {"overlap": 0.0}]
)
def test_senseless_tolerances_are_refused(changes: dict) -> None:
    with pytest.raises(ConfigError, match="seal"):
        SealConfig(**changes)
