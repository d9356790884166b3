"""Lines and cylinders meet where geometry says."""

import numpy as np
import pytest
from helpers.log_scenes import BIN, log

from grasp_affordance.geometry import from_quaternion
from research.log_piles.cylinders import Cylinder, distances, first_met, heights, highest


def some_cylinder(rng: np.random.Generator) -> Cylinder:
    T = from_quaternion(rng.uniform(-0.2, 0.2, 3), rng.normal(size=4))
    return Cylinder(float(rng.uniform(0.01, 0.05)), float(rng.uniform(0.05, 0.3)), T)


def depth_inside(cylinder: Cylinder, points: np.ndarray) -> np.ndarray:
    """How deep points lie inside; 0 on the surface, negative outside."""
    local = (points - cylinder.centre) @ cylinder.T_base_cylinder[:3, :3]
    around = cylinder.radius - np.hypot(local[:, 0], local[:, 1])
    return np.minimum(around, cylinder.length / 2 - np.abs(local[:, 2]))


@pytest.mark.parametrize("seed", range(20))
def test_a_line_ends_on_the_surface_and_is_outside_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cylinder = some_cylinder(rng)
    origins = rng.normal(size=(200, 3))
    origins /= np.linalg.norm(origins, axis=1, keepdims=True)
    aims = cylinder.centre + rng.normal(0, 0.05, (200, 3))
    directions = aims - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    far = distances(cylinder, origins, directions)
    steps = np.linspace(0, 2, 4001)
    hit = np.isfinite(far)
    assert 10 < hit.sum() < 200
    np.testing.assert_allclose(
        depth_inside(cylinder, origins[hit] + far[hit, None] * directions[hit]), 0, atol=1e-9
    )
    for origin, direction, distance in zip(origins, directions, far, strict=True):
        inside = depth_inside(cylinder, origin + steps[:, None] * direction) > 1e-9
        first = steps[inside.argmax()] if inside.any() else np.inf
        if inside.any():
            assert first - 1e-3 < distance <= first + 1e-9
        else:
            assert not np.isfinite(distance) or distance < 2  # at most a graze between two steps


def test_a_lying_log_is_as_high_as_its_diameter_over_its_axis_and_nowhere_beside_it() -> None:
    lying = log(radius=0.03, length=0.2, yaw=0.4)
    along = lying.centre + np.linspace(-0.099, 0.099, 9)[:, None] * lying.axis
    np.testing.assert_allclose(heights(lying, along[:, :2]), BIN.floor + 0.06)
    beyond = lying.centre + 0.101 * lying.axis
    beside = lying.centre + 0.031 * np.cross(lying.axis, [0, 0, 1])
    assert np.isneginf(heights(lying, np.array([beyond, beside])[:, :2])).all()


def test_of_two_logs_the_upper_one_is_met_first_from_above_and_is_the_highest() -> None:
    lower, upper = log(radius=0.02), log(radius=0.02, yaw=np.pi / 2, above=0.04)
    above = lower.centre + np.array([0, 0, 1.0])
    met = first_met([lower, upper], above, np.array([0, 0, -1.0]))
    assert met is not None
    assert met[0] == 1
    assert met[1] == pytest.approx(1.0 - 0.06)  # from 1 m over an axis to a top 60 mm higher
    assert highest([lower, upper], [above])[0] == pytest.approx(BIN.floor + 0.08)


def test_a_line_that_passes_everything_meets_nothing() -> None:
    assert first_met([log()], np.array([0, 0, 1.0]), np.array([0, 0, 1.0])) is None
    assert first_met([], np.array([0, 0, 1.0]), np.array([0, 0, -1.0])) is None
    assert np.isneginf(highest([], [(0.0, 0.0)])).all()
