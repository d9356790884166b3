"""The two criteria say what a person with a gripper would say."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.log_scenes import BIN, CAMERA, CONFIG, T_BASE_CAMERA, across, log

from grasp_affordance.errors import ConfigError
from grasp_affordance.rectangle import GraspRectangle, JawConfig
from grasp_affordance.sim.vision.camera import true_camera_pose
from research.log_piles.cylinders import Cylinder
from research.log_piles.grasp_validity import (
    Fault,
    RecordDecision,
    ValidityConfig,
    covered_share,
    evaluate,
)
from research.log_piles.jaws import ParallelJaws

LIMITS = ValidityConfig()


def evaluated(rectangle: GraspRectangle, *logs: Cylinder) -> RecordDecision:
    return evaluate(rectangle, logs, CAMERA, T_BASE_CAMERA, BIN, LIMITS)


def fault(rectangle: GraspRectangle, *logs: Cylinder) -> Fault:
    return evaluated(rectangle, *logs).fault


@pytest.mark.parametrize("yaw", [0.0, 0.5, 1.6, -0.8])
@pytest.mark.parametrize("radius", [0.012, 0.022, 0.032])
@pytest.mark.parametrize("at", [-0.05, 0.0, 0.07])
def test_a_rectangle_across_an_isolated_log_is_valid(yaw: float, radius: float, at: float) -> None:
    alone = log(0.03, -0.04, radius=radius, yaw=yaw)
    found = evaluated(across(alone, at), alone)
    assert found.valid
    assert found.target == 0
    assert found.width == pytest.approx(2 * radius, abs=1e-3)
    assert found.grasp is not None
    assert found.grasp.opening == pytest.approx(2 * radius, rel=0.01)
    np.testing.assert_allclose(found.grasp.position, alone.centre + at * alone.axis, atol=2e-3)
    assert abs(found.grasp.plates @ alone.axis) > 0.999


@pytest.mark.parametrize("yaw", [0.0, 0.5, 1.6])
def test_the_same_rectangle_turned_by_90_degrees_is_not(yaw: float) -> None:
    alone = log(yaw=yaw)
    assert fault(across(alone, turn=np.pi / 2), alone) is Fault.TOO_SMALL


def test_validity_is_lost_as_a_rectangle_turns_and_never_comes_back_before_a_half_turn() -> None:
    alone = log(radius=0.02)
    valid = [
        evaluated(across(alone, turn=turn), alone).valid for turn in np.linspace(0, np.pi / 2, 31)
    ]
    assert valid[0]
    assert sorted(valid, reverse=True) == valid
    assert 5 < sum(valid) < 15  # between 15 and 45 degrees


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (0.4, Fault.TOO_SMALL),
        (0.9, Fault.NONE),
        (1.1, Fault.NONE),
        (1.4, Fault.NONE),
        (1.7, Fault.TOO_BIG),
    ],
)
def test_an_opening_must_suit_the_log(opening: float, expected: Fault) -> None:
    alone = log(radius=0.02)
    assert fault(across(alone, opening=opening), alone) is expected


def test_what_the_gripper_cannot_open_for_is_too_big() -> None:
    thick = log(radius=0.05)
    assert fault(across(thick), thick) in (Fault.TOO_SMALL, Fault.TOO_BIG)
    wide = ValidityConfig(jaws=ParallelJaws(maximum_opening=0.2))
    assert evaluate(across(thick), [thick], CAMERA, T_BASE_CAMERA, BIN, wide).valid


def test_a_rectangle_beside_a_log_or_on_the_floor_holds_nothing() -> None:
    alone = log(radius=0.02)
    assert fault(across(alone, aside=0.03), alone) is Fault.NO_LOG
    assert fault(across(alone, at=0.11), alone) is Fault.NO_LOG
    assert fault(across(alone)) is Fault.NO_LOG


def test_a_rectangle_off_the_middle_by_more_than_the_clearance_is_not_valid() -> None:
    alone = log(radius=0.02)
    assert fault(across(alone, aside=0.005), alone) is Fault.NONE
    assert fault(across(alone, aside=0.012), alone) is Fault.TOO_SMALL


def test_a_log_under_another_is_not_valid_and_the_upper_one_is() -> None:
    lower = log(radius=0.02, length=0.26)
    upper = log(0.02, 0.0, radius=0.015, length=0.2, yaw=1.2, above=0.04)
    assert fault(across(lower, at=-0.08), lower, upper) is Fault.COVERED
    assert fault(across(upper), lower, upper) is Fault.NONE


def test_a_thicker_neighbour_that_overhangs_does_not_count_as_on_top() -> None:
    thin, thick = log(radius=0.012), log(0.0, 2 * np.sqrt(0.012 * 0.03), radius=0.03)
    assert covered_share(thin, [thick]) > 0.05
    assert fault(across(thin, aside=-0.001), thin, thick) is Fault.BLOCKED


def test_a_neighbour_where_a_plate_goes_blocks_and_one_further_away_does_not() -> None:
    target = log(radius=0.02)
    for side in (-1, 1):
        touching = log(0.0, side * 0.040, radius=0.02)
        assert fault(across(target), target, touching) is Fault.BLOCKED
        apart = log(0.0, side * 0.062, radius=0.02)
        assert fault(across(target), target, apart) is Fault.NONE


def test_a_neighbour_blocks_only_where_it_lies_beside() -> None:
    target = log(radius=0.02, length=0.26)
    short = log(0.08, 0.040, radius=0.02, length=0.06)
    assert fault(across(target, at=0.08), target, short) is Fault.BLOCKED
    assert fault(across(target, at=-0.08), target, short) is Fault.NONE


def test_the_log_in_the_groove_between_two_is_valid_and_those_two_are_not() -> None:
    left, right = log(0, -0.0201, radius=0.02), log(0, 0.0201, radius=0.02)
    top = log(radius=0.02, above=np.sqrt(3) * 0.02)
    logs = (left, right, top)
    assert fault(across(top), *logs) is Fault.NONE
    assert not evaluated(across(left, aside=0.005), *logs).valid
    assert not evaluated(across(right, aside=-0.005), *logs).valid


def test_what_stands_a_little_under_the_axis_blocks_only_plates_that_must_get_further_down() -> (
    None
):
    target = log(radius=0.022)
    low = log(0.0, 0.0335, radius=0.010)  # its top is 2 mm under the target's axis
    strict = replace(LIMITS, depth=LIMITS.jaws.reach)
    rectangle = across(target)
    assert evaluated(rectangle, target, low).valid
    found = evaluate(rectangle, [target, low], CAMERA, T_BASE_CAMERA, BIN, strict)
    assert found.fault is Fault.BLOCKED


def test_the_bins_wall_blocks() -> None:
    near = log(0.0, BIN.size[1] / 2 - 0.022, radius=0.02)
    assert fault(across(near), near) is Fault.BLOCKED
    clear = log(0.0, BIN.size[1] / 2 - 0.042, radius=0.02)
    assert fault(across(clear), clear) is Fault.NONE


@pytest.mark.parametrize("offset", [(0.15, 0.0), (-0.1, 0.14)])
@pytest.mark.parametrize("yaw", [0.0, 0.9])
def test_the_decision_does_not_depend_on_where_the_camera_stands(
    offset: tuple[float, float], yaw: float
) -> None:
    T = true_camera_pose(replace(CONFIG, camera_offset=offset, camera_turn=0.5))
    target, touching = log(radius=0.02, yaw=yaw), log(0.0, 0.1, radius=0.02, yaw=yaw)
    rectangle = across(target, T_base_camera=T)
    found = evaluate(rectangle, [target, touching], CAMERA, T, BIN, LIMITS)
    assert found.valid
    assert found.grasp is not None
    np.testing.assert_allclose(found.grasp.position, target.centre, atol=2e-3)
    turned = across(target, turn=np.pi / 2, T_base_camera=T)
    assert not evaluate(turned, [target, touching], CAMERA, T, BIN, LIMITS).valid


def test_the_covered_share_grows_from_nothing_to_all() -> None:
    lower = log(radius=0.02, length=0.2)
    shares = [
        covered_share(lower, [log(x, 0.0, radius=0.021, length=0.2, above=0.04)])
        for x in (0.25, 0.15, 0.1, 0.05, 0.0)
    ]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(0.5, abs=0.03)
    assert shares[-1] == 1
    assert covered_share(lower, []) == 0
    assert covered_share(lower, [log(0.1, 0.0, length=0.2, above=0.04)], width=0) == pytest.approx(
        0.5, abs=0.03
    )


def test_the_gripper_of_the_criteria_is_the_one_that_labels_are_made_for() -> None:
    label, jaws = JawConfig(), ParallelJaws()
    assert (label.plate_length, label.maximum_opening) == (jaws.plate_length, jaws.maximum_opening)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="too_big"):
        ValidityConfig(too_big=0.9)
    with pytest.raises(ConfigError, match="force"):
        ParallelJaws(force=0.0)
