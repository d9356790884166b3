"""Plates lift what they hold, alone, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import Array
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import Material, ObjectSpec
from research.log_piles.jaw_grasp import JawBench, JawOutcome
from research.log_piles.jaws import TopDownGrasp

BIN = BinGeometry()


def log(
    x: float = 0.0,
    y: float = 0.0,
    radius: float = 0.02,
    length: float = 0.2,
    yaw: float = 0.0,
    above: float = 0.0,
) -> tuple[ObjectSpec, Array]:
    """A log and where it lies; (x, y) in the bin frame."""
    c, s = np.cos(yaw), np.sin(yaw)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([[0, 0, 1], [s, -c, 0], [c, s, 0]])
    T[:3, 3] = [BIN.centre[0] + x, BIN.centre[1] + y, BIN.floor + radius + above]
    shape = shapes.cylinder(radius, length)
    return ObjectSpec(shape, (0.5, 0.4, 0.3, 1.0), density=600.0, material=Material.BARK), T


def across(
    thing: tuple[ObjectSpec, Array], at: float = 0.0, turn: float = 0.0, opening: float = 1.0
) -> TopDownGrasp:
    spec, T = thing
    axis = T[:3, 2]
    return TopDownGrasp(
        position=T[:3, 3] + at * axis,
        yaw=float(np.arctan2(axis[1], axis[0]) + turn),
        opening=spec.shape.size[0] * opening,
    )


@pytest.mark.parametrize("radius", [0.012, 0.02, 0.032])
@pytest.mark.parametrize("yaw", [0.0, 0.9])
def test_a_grasp_across_an_isolated_log_lifts_it(radius: float, yaw: float) -> None:
    alone = log(0.02, 0.03, radius=radius, yaw=yaw)
    result = JawBench([alone]).grasp(across(alone))
    assert result.outcome is JawOutcome.LIFTED
    assert result.lifted == (0,)
    assert result.disturbed == 0


def test_a_grasp_turned_by_90_degrees_comes_down_on_the_log() -> None:
    alone = log()
    result = JawBench([alone]).grasp(across(alone, turn=np.pi / 2))
    assert result.outcome is JawOutcome.COLLIDED


def test_a_grasp_far_too_narrow_comes_down_on_the_log() -> None:
    alone = log(radius=0.03)
    assert JawBench([alone]).grasp(across(alone, opening=0.3)).outcome is JawOutcome.COLLIDED


def test_a_grasp_beside_the_log_lifts_nothing() -> None:
    alone = log(0.0, 0.1)
    beside = TopDownGrasp(alone[1][:3, 3] - [0, 0.12, 0], 0.0, 0.04)
    assert JawBench([alone]).grasp(beside).outcome is JawOutcome.MISSED


def test_a_log_too_heavy_for_friction_slips() -> None:
    spec, T = log()
    heavy = replace(spec, density=spec.density * 60)  # 9 kg; friction holds 6.5 kg
    assert JawBench([(heavy, T)]).grasp(across((heavy, T))).outcome is JawOutcome.MISSED


def test_a_log_that_carries_another_does_not_come_alone() -> None:
    lower = log(radius=0.025, length=0.26)
    left = log(-0.07, radius=0.02, length=0.2, yaw=np.pi / 2, above=0.05)
    right = log(0.07, radius=0.02, length=0.2, yaw=np.pi / 2, above=0.05)
    bench = JawBench([lower, left, right])
    result = bench.grasp(across(lower))
    assert not result.succeeded
    assert bench.grasp(across(left)).succeeded


def test_a_log_between_two_that_touch_it_is_blocked_and_one_with_room_is_not() -> None:
    middle = log(radius=0.02)
    touching = [log(0, side * 0.0405, radius=0.02) for side in (-1, 1)]
    apart = [log(0, side * 0.075, radius=0.02) for side in (-1, 1)]
    assert JawBench([middle, *touching]).grasp(across(middle)).outcome is JawOutcome.COLLIDED
    free = JawBench([middle, *apart]).grasp(across(middle))
    assert free.succeeded
    assert free.disturbed < 1e-3


def test_the_log_in_the_groove_between_two_is_lifted_alone() -> None:
    logs = [log(0, -0.0201), log(0, 0.0201), log(above=float(np.sqrt(3)) * 0.02)]
    walls = [log(0, side * 0.0603) for side in (-1, 1)]
    result = JawBench([*logs, *walls]).grasp(across(logs[2]))
    assert result.outcome is JawOutcome.LIFTED
    assert result.lifted == (2,)


def test_grasps_start_from_the_same_rest_and_repeat_exactly() -> None:
    first, second = log(0, -0.08), log(0, 0.08)
    bench = JawBench([first, second])
    results = [bench.grasp(across(which)) for which in (first, second, first)]
    assert [r.lifted for r in results] == [(0,), (1,), (0,)]
    assert results[0] == results[2]
