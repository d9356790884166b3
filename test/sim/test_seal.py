"""A cup seals by the laws of its rim: all of it on one surface, little tilt, little curvature."""

import numpy as np
import pytest
from helpers.sim_objects import LYING, place, tilted, top_of

from grasp_affordance.attempt import Cause
from grasp_affordance.geometry import Array
from grasp_affordance.sim import Seal, SimCell
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import Material

DOWN = np.array([0.0, 0.0, -1.0])


def evaluate(cell: SimCell, x: float, y: float) -> Seal:
    """Evaluate a vertical cup at (x, y) relative to the first object."""
    centre = cell.world.positions()[0]
    return cell.oracle.seal_at(np.array([centre[0] + x, centre[1] + y, 0.3]), DOWN, reach=0.4)


def test_an_upright_cylinder_seals_up_to_its_edge_less_the_cups_radius(
    shared_cell: SimCell,
) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.030, 0.10), (0, 0, 0.051))])
    limit = 0.030 - shared_cell.cup.radius
    assert evaluate(shared_cell, limit - 5e-4, 0.0).sealed
    assert evaluate(shared_cell, limit + 5e-4, 0.0).cause is Cause.LEAK_EDGE
    assert evaluate(shared_cell, 0.06, 0.0).cause is Cause.NO_CONTACT


@pytest.mark.parametrize(("radius", "seals"), [(0.013, False), (0.015, False), (0.018, True)])
def test_a_lying_cylinder_seals_only_if_its_curvature_is_within_the_lips_compliance(
    shared_cell: SimCell, radius: float, seals: bool
) -> None:
    shared_cell.lay_out([place(shapes.cylinder(radius, 0.10), (0, 0, radius + 1e-3), LYING)])
    seal = evaluate(shared_cell, 0.0, 0.0)
    sagitta = radius - np.sqrt(radius**2 - shared_cell.cup.radius**2)
    assert seal.step == pytest.approx(sagitta, rel=0.1)
    assert seal.cause is (Cause.NONE if seals else Cause.LEAK_CURVATURE)


def test_off_the_crown_of_a_lying_cylinder_the_surface_is_too_steep(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.025, 0.10), (0, 0, 0.026), LYING)])
    assert evaluate(shared_cell, 0.0, 0.004).sealed
    steep = evaluate(shared_cell, 0.0, 0.011)
    assert steep.cause is Cause.LEAK_TILT
    assert steep.tilt > np.radians(18)


def test_a_plate_seals_up_to_the_tilt_that_bellows_and_cup_rim_follow(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.08, 0.08, 0.04), (0, 0, 0.021))])
    top = top_of(shared_cell)
    for degrees, seals in [(0, True), (16, True), (20, False)]:
        T = np.array([np.sin(np.radians(degrees)), 0.0, -np.cos(np.radians(degrees))])
        seal = shared_cell.oracle.seal_at(top, T)
        assert seal.tilt == pytest.approx(np.radians(degrees), abs=1e-3)
        assert seal.cause is (Cause.NONE if seals else Cause.LEAK_TILT)


def test_a_cup_across_two_objects_leaks_at_the_gap(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.06, 0.06, 0.04), (-0.03, 0, 0.021)),
            place(shapes.box(0.06, 0.06, 0.04), (0.032, 0, 0.021)),
        ]
    )
    assert evaluate(shared_cell, 0.0, 0.0).sealed
    assert evaluate(shared_cell, 0.031, 0.0).cause is Cause.LEAK_EDGE


def test_a_hole_leaks_wherever_it_opens_under_the_cup(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.washer(0.045, 0.008, 0.014), (0, 0, 0.008))])
    a = shared_cell.cup.radius
    assert evaluate(shared_cell, 0.0, 0.0).cause is Cause.LEAK_HOLE
    assert evaluate(shared_cell, 0.008 + a - 1e-3, 0.0).cause is Cause.LEAK_HOLE
    assert evaluate(shared_cell, 0.008 + a + 4e-3, 0.0).sealed


def test_a_tube_seals_on_its_side_and_not_on_its_mouth(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.tube(0.030, 0.005, 0.10), (0, 0, 0.031), LYING)])
    assert evaluate(shared_cell, 0.0, 0.0).sealed
    shared_cell.lay_out([place(shapes.tube(0.030, 0.005, 0.10), (0, 0, 0.051))])
    assert evaluate(shared_cell, 0.027, 0.0).cause is Cause.LEAK_HOLE
    assert evaluate(shared_cell, 0.0, 0.0).cause is Cause.NO_CONTACT  # the cup is smaller than it


def test_porous_material_never_seals(shared_cell: SimCell) -> None:
    box = shapes.box(0.08, 0.08, 0.04)
    shared_cell.lay_out([place(box, (0, 0, 0.021), material=Material.POROUS)])
    assert evaluate(shared_cell, 0.0, 0.0).cause is Cause.LEAK_POROUS


def test_the_bins_floor_is_no_object(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.05, 0.05, 0.05), (0.1, 0.1, 0.03))])
    seal = shared_cell.oracle.seal_at(np.array([0.45, -0.1, 0.02]), DOWN)
    assert (seal.cause, seal.object_id) == (Cause.NO_CONTACT, -1)


def test_the_seal_does_not_depend_on_the_yaw_of_the_scene(shared_cell: SimCell) -> None:
    def tops(angle: float) -> Array:
        quat = tilted(0.0) if angle == 0 else (np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2))
        shared_cell.lay_out([place(shapes.box(0.08, 0.05, 0.04), (0, 0, 0.021), quat)])
        c, s = np.cos(angle), np.sin(angle)
        points = [(0.0, 0.0), (0.025, 0.010), (0.028, 0.020), (0.045, 0.0)]
        return np.array(
            [evaluate(shared_cell, c * x - s * y, s * x + c * y).sealed for x, y in points]
        )

    np.testing.assert_array_equal(tops(0.0), [True, True, False, False])
    np.testing.assert_array_equal(tops(0.7), tops(0.0))
