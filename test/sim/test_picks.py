"""Picks through the physics end as the wrench on the cup rim says they must."""

import numpy as np
import pytest
from helpers.sim_objects import LYING, place, tilted, top_of

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.geometry import Array, approach_pose
from grasp_affordance.sim import AttemptTruth, SimCell
from grasp_affordance.sim.cup.suction import Load
from grasp_affordance.sim.piles import shapes

DOWN = (0.0, 0.0, -1.0)


def lift(cell: SimCell, point: Array, height: float = 0.30) -> bool:
    """Touch a point from above, wait for the vacuum, lift; return whether the cup still holds."""
    cell.arm.move_to(approach_pose(point + np.array([0, 0, 0.03]), DOWN))
    cell.gripper.grasp()
    contact = cell.arm.move_until_contact(approach_pose(point - [0, 0, 0.015], DOWN))
    if not (contact and cell.gripper.holding()):
        return False
    cell.arm.move_to(approach_pose([point[0], point[1], height], DOWN), linear=True)
    return cell.gripper.holding()


def pick(cell: SimCell, point: Array) -> AttemptTruth:
    """Lift, and where it holds, carry and release; return the truth."""
    if lift(cell, point):
        cell.arm.move_to(cell.place_pose(0.12))
    cell.gripper.release()
    cell.arm.home()
    cell.resettle()
    return cell.truth()


def test_a_free_cylinder_is_carried_to_the_place_area(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.030, 0.11), (0.05, 0.05, 0.031), LYING)])
    truth = pick(shared_cell, top_of(shared_cell))
    assert truth == AttemptTruth(
        Outcome.SUCCESS, Cause.NONE, 0, lifted=(0,), lifted_clear=True, placed=True
    )
    assert shared_cell.is_empty()


def test_the_cup_rim_carries_the_weight_and_the_lever_of_what_hangs_on_it(
    shared_cell: SimCell,
) -> None:
    shared_cell.lay_out([place(shapes.box(0.10, 0.06, 0.03), (0, 0, 0.016))])
    lever = 0.015
    assert lift(shared_cell, top_of(shared_cell) + np.array([lever, 0, 0]))
    shared_cell.world.step(60)
    weight = shared_cell.world.masses()[0] * 9.81
    load = shared_cell.suction.load
    assert load.tension == pytest.approx(weight, rel=0.08)
    assert load.moment == pytest.approx(weight * lever, rel=0.25)
    shared_cell.gripper.release()


def test_the_wrench_limits_follow_the_vacuum(shared_cell: SimCell) -> None:
    suction = shared_cell.suction
    suction.ejector.true_vacuum = suction.cup.vacuum
    force = suction.force
    assert force == pytest.approx(22.0, abs=0.1)  # a 20 mm cup at -70 kPa
    assert suction.ratios(Load(tension=force)) == pytest.approx((1.0, 0.0, 0.0))
    assert suction.ratios(Load(shear=0.8 * force))[1] == pytest.approx(1.0)
    assert suction.ratios(Load(moment=force * suction.cup.radius))[2] == pytest.approx(1.0)
    half = force / 2
    assert suction.ratios(Load(half, 0.8 * half, half * suction.cup.radius)) == pytest.approx(
        (0.5, 1.0, 1.0)
    )
    suction.ejector.true_vacuum = suction.cup.vacuum / 2
    assert suction.force == pytest.approx(half)


@pytest.mark.parametrize("aside", [0.0, 0.015])
def test_what_the_arm_carries_keeps_a_third_of_the_seal_in_reserve(
    shared_cell: SimCell, aside: float
) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.030, 0.11), (0.05, 0.05, 0.031), LYING)])
    assert shared_cell.world.masses()[0] == pytest.approx(0.34, abs=0.01)  # the heaviest of a pile
    suction, shares = shared_cell.suction, []

    def watch() -> None:
        if suction.attached >= 0:
            shares.append(max(suction.ratios(suction.load)))

    shared_cell.world.listeners.append(watch)
    truth = pick(shared_cell, top_of(shared_cell) + np.array([aside, 0, 0]))
    shared_cell.world.listeners.remove(watch)
    assert truth.outcome is Outcome.SUCCESS
    assert 0.1 < max(shares) < 2 / 3


def test_too_heavy_an_object_breaks_away_by_its_weight(shared_cell: SimCell) -> None:
    box = shapes.box(0.10, 0.10, 0.08)
    shared_cell.lay_out([place(box, (0, 0, 0.041), density=3500.0)])  # 2.8 kg: 27 N
    truth = pick(shared_cell, top_of(shared_cell))
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.BROKEN_WEIGHT)


def test_a_long_lever_arm_peels_the_cup_rim(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.16, 0.05, 0.04), (0, 0, 0.021), density=2600.0)])
    middle = top_of(shared_cell)
    assert pick(shared_cell, middle).outcome is Outcome.SUCCESS
    shared_cell.lay_out([place(shapes.box(0.16, 0.05, 0.04), (0, 0, 0.021), density=2600.0)])
    truth = pick(shared_cell, middle + np.array([0.065, 0, 0]))
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.BROKEN_LEVER)


def test_an_object_under_another_breaks_away_as_trapped(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.16, 0.06, 0.03), (0, 0, 0.0155)),
            place(shapes.box(0.08, 0.16, 0.05), (0.04, 0, 0.0565), density=5000.0),
        ]
    )
    bottom = shared_cell.world.positions()[0]
    truth = pick(shared_cell, np.array([bottom[0] - 0.055, bottom[1], 0.030]))
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.BROKEN_TRAPPED)
    assert shared_cell.objects_left() == 2


def test_a_leak_gives_no_vacuum_and_its_true_cause(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.030, 0.10), (0, 0, 0.051))])
    truth = pick(shared_cell, top_of(shared_cell) + np.array([0.024, 0, 0]))
    assert (truth.outcome, truth.cause, truth.object_id) == (Outcome.FAILURE, Cause.LEAK_EDGE, 0)
    assert shared_cell.gripper.trace().vacuum.max() < shared_cell.suction.ejector.threshold


def test_beside_every_object_there_is_no_contact(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.box(0.05, 0.05, 0.05), (0.1, 0.1, 0.03))])
    truth = pick(shared_cell, np.array([0.45, -0.05, 0.06]))
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.NO_CONTACT)


def test_a_neighbour_that_is_moved_is_reported(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.10, 0.06, 0.04), (0, 0, 0.021)),
            place(shapes.box(0.14, 0.04, 0.01), (0.085, 0, 0.050), tilted(0.3)),
        ]
    )
    truth = pick(shared_cell, top_of(shared_cell) + np.array([-0.01, 0, 0]))
    assert truth.outcome is Outcome.SUCCESS
    assert (truth.lifted, truth.dragged) == ((0,), (1,))


def test_two_objects_carried_at_once_are_a_double_pick(shared_cell: SimCell) -> None:
    shared_cell.lay_out(
        [
            place(shapes.box(0.12, 0.08, 0.03), (0, 0, 0.016)),
            place(shapes.box(0.03, 0.03, 0.01), (0.045, 0, 0.036)),
        ]
    )
    truth = pick(shared_cell, top_of(shared_cell))
    assert truth.lifted == (0, 1)
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.DOUBLE_PICK)


def test_a_failed_vacuum_in_transport_drops_the_object(shared_cell: SimCell) -> None:
    shared_cell.lay_out([place(shapes.cylinder(0.030, 0.11), (0, 0, 0.031), LYING)])
    assert lift(shared_cell, top_of(shared_cell))
    shared_cell.suction.ejector.switch_off()  # the compressor fails
    shared_cell.world.step(40)
    assert not shared_cell.gripper.holding()
    shared_cell.resettle()
    truth = shared_cell.truth()
    assert (truth.outcome, truth.cause) == (Outcome.FAILURE, Cause.DROPPED)
    assert shared_cell.objects_left() == 1
