import numpy as np
import pytest

from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Array, approach_pose
from grasp_affordance.ros.drivers.gazebo.gazebo_seal import Solid, holds, touch

BOX, CYLINDER = Solid((0.09, 0.06, 0.05)), Solid((0.025, 0.095))
CUP = Cup()


def at(x: float = 0.0, y: float = 0.0, z: float = 0.0, tilt: float = 0.0) -> Array:
    """Rim over the origin, looking down, tilted about y."""
    return approach_pose([x, y, z], [np.sin(tilt), 0.0, -np.cos(tilt)])


def lying() -> Array:
    """A cylinder's axis along x."""
    return np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])


def test_a_flat_face_seals_and_the_gap_is_measured() -> None:
    contact = touch(at(z=0.026), {"box": (BOX, np.eye(4))}, CUP)
    assert contact.sealed
    assert contact.gap == pytest.approx(0.001)
    assert touch(at(z=0.020), {"box": (BOX, np.eye(4))}, CUP).gap == pytest.approx(-0.005)


def test_nothing_within_reach_is_no_contact() -> None:
    assert touch(at(z=0.04), {"box": (BOX, np.eye(4))}, CUP).name == ""
    assert touch(at(x=1.0), {"box": (BOX, np.eye(4))}, CUP).name == ""
    assert touch(at(), {}, CUP).name == ""


def test_the_rim_over_an_edge_leaks() -> None:
    bodies = {"box": (BOX, np.eye(4))}
    assert touch(at(x=0.034, z=0.025), bodies, CUP).sealed
    assert not touch(at(x=0.037, z=0.025), bodies, CUP).sealed


def test_more_tilt_than_the_bellows_follows_leaks() -> None:
    bodies = {"box": (BOX, np.eye(4))}
    assert touch(at(z=0.025, tilt=np.radians(12)), bodies, CUP).sealed
    assert not touch(at(z=0.025, tilt=np.radians(25)), bodies, CUP).sealed


def test_a_lying_cylinder_seals_on_its_crown_and_not_beside_it() -> None:
    bodies = {"cylinder": (CYLINDER, lying())}
    assert touch(at(z=0.025), bodies, CUP).sealed
    assert not touch(at(y=0.012, z=0.025), bodies, CUP).sealed


def test_a_thin_cylinder_does_not_seal() -> None:
    bodies = {"rod": (Solid((0.012, 0.095)), lying())}
    assert not touch(at(z=0.012), bodies, CUP).sealed


def test_a_rim_on_two_bodies_leaks() -> None:
    left, right = np.eye(4), np.eye(4)
    left[0, 3], right[0, 3] = -0.046, 0.046
    contact = touch(at(z=0.025), {"left": (BOX, left), "right": (BOX, right)}, CUP)
    assert contact.name
    assert not contact.sealed


def test_the_nearest_body_is_the_one_touched() -> None:
    lower = np.eye(4)
    lower[2, 3] = -0.05
    contact = touch(at(z=0.025), {"lower": (BOX, lower), "upper": (BOX, np.eye(4))}, CUP)
    assert contact.name == "upper"


@pytest.mark.parametrize(("solid", "T"), [(BOX, np.eye(4)), (CYLINDER, np.eye(4))])
@pytest.mark.parametrize("gap", [0.0019, -0.005, -0.029])
def test_what_the_rim_meets_at_a_corner_is_not_taken_for_far(
    solid: Solid, T: Array, gap: float
) -> None:
    half = np.array([*solid.size[:-1], solid.size[-1] / 2])
    x, y = (half[0], 0.0) if len(half) == 2 else (half[0] / 2, half[1] / 2)
    assert touch(at(x=x, y=y, z=half[-1] + gap), {"body": (solid, T)}, CUP).name == "body"
    assert touch(at(x=x, y=y, z=half[-1] + 0.0021), {"body": (solid, T)}, CUP).name == ""


def test_a_cup_that_is_pressed_bears_any_moment() -> None:
    assert holds(CUP, 0.0, -300.0, 50.0)
    assert holds(CUP, CUP.vacuum, 0.0, 50.0)
    assert not holds(CUP, CUP.vacuum, 0.1, 50.0)


def test_rays_enter_where_geometry_says() -> None:
    starts = np.array([[0.0, 0.0, 1.0], [0.0, 0.1, 1.0], [0.01, 0.01, 1.0]])
    down = np.array([0.0, 0.0, -1.0])
    np.testing.assert_allclose(BOX.distances(starts, down), [0.975, np.inf, 0.975])
    np.testing.assert_allclose(CYLINDER.distances(starts, down), [0.9525, np.inf, 0.9525])
    across = np.array([[0.0, 1.0, 0.0]])
    assert CYLINDER.distances(across, np.array([0, -1.0, 0]))[0] == pytest.approx(0.975)


def test_a_load_is_held_up_to_the_force_of_the_vacuum() -> None:
    assert holds(CUP, CUP.vacuum, 0.9 * CUP.force, 0.0)
    assert not holds(CUP, CUP.vacuum, 1.1 * CUP.force, 0.0)
    assert not holds(CUP, CUP.vacuum / 2, 0.9 * CUP.force, 0.0)


def test_a_long_lever_peels_the_cup_rim() -> None:
    weight = 2.0
    assert holds(CUP, CUP.vacuum, weight, weight * 0.05)
    assert not holds(CUP, CUP.vacuum, weight, weight * 0.15)
