"""The two removal check: what the pressure says, and what the depth difference makes of it."""

import numpy as np
import pytest

from grasp_affordance.attempt import Cause, Outcome, PressureTrace, Removal
from grasp_affordance.execution.outcome import OutcomeResult, Sensed, evaluate, reconcile

ALL_WELL = Sensed(
    contact=True, sealed=True, lifted=True, carried=True, sealed_at=0.5, released_at=3.0
)
SUCCESS = OutcomeResult(Outcome.SUCCESS)
FAILED_CAUSES = [Cause.NO_CONTACT, Cause.NO_SEAL, Cause.LOST_AT_LIFT, Cause.COLLISION]


def trace(*vacuum: float) -> PressureTrace:
    times = np.linspace(0.0, 3.0, len(vacuum))
    return PressureTrace(times, np.array(vacuum, np.float32))


def test_a_vacuum_that_lasts_until_the_release_is_a_success() -> None:
    assert evaluate(ALL_WELL, trace(0, 60, 65, 66, 65, 64)) == SUCCESS


def test_a_leaking_but_holding_cup_is_a_success() -> None:
    assert evaluate(ALL_WELL, trace(0, 60, 52, 45, 41, 38)) == SUCCESS


def test_a_vacuum_that_collapsed_between_two_checks_contradicts_them() -> None:
    result = evaluate(ALL_WELL, trace(0, 60, 65, 5, 65, 65))
    assert (result.outcome, result.cause) == (Outcome.UNCERTAIN, Cause.SENSORS_DISAGREE)


def test_low_vacuum_before_the_seal_and_after_the_release_says_nothing() -> None:
    late = Sensed(False, True, True, True, True, sealed_at=0.9, released_at=2.1)
    assert evaluate(late, trace(0, 1, 2, 60, 61, 60, 60, 3, 0, 0)).outcome is Outcome.SUCCESS


def test_without_a_trace_the_checks_decide() -> None:
    assert evaluate(ALL_WELL, trace()) == SUCCESS


def test_the_first_failed_check_names_the_cause() -> None:
    steps = [
        (Sensed(collided=True), Cause.COLLISION),
        (Sensed(), Cause.NO_CONTACT),
        (Sensed(contact=True), Cause.NO_SEAL),
        (Sensed(contact=True, sealed=True), Cause.LOST_AT_LIFT),
        (Sensed(contact=True, sealed=True, lifted=True), Cause.LOST_IN_TRANSPORT),
    ]
    for sensed, cause in steps:
        result = evaluate(sensed, trace(0, 60, 60))
        assert (result.outcome, result.cause) == (Outcome.FAILURE, cause)
        assert result.detail


def test_one_removed_object_confirms_a_success_and_nothing_removed_a_failure() -> None:
    assert reconcile(SUCCESS, Removal(1)) == SUCCESS
    for cause in FAILED_CAUSES:
        failure = OutcomeResult(Outcome.FAILURE, cause)
        assert reconcile(failure, Removal(0)) == failure


@pytest.mark.parametrize("cause", [Cause.NO_CONTACT, Cause.NO_SEAL, Cause.COLLISION])
def test_an_object_that_left_although_the_cup_held_none_is_a_contradiction(cause: Cause) -> None:
    result = reconcile(OutcomeResult(Outcome.FAILURE, cause), Removal(1))
    assert (result.outcome, result.cause) == (Outcome.UNCERTAIN, Cause.SENSORS_DISAGREE)


@pytest.mark.parametrize("cause", [Cause.LOST_AT_LIFT, Cause.LOST_IN_TRANSPORT])
def test_an_object_lost_after_it_was_sealed_is_no_longer_where_it_was(cause: Cause) -> None:
    lost = OutcomeResult(Outcome.FAILURE, cause)
    assert reconcile(lost, Removal(1)) == lost


def test_two_objects_under_one_cup_are_a_double_pick_and_no_label() -> None:
    result = reconcile(SUCCESS, Removal(2))
    assert (result.outcome, result.cause) == (Outcome.UNCERTAIN, Cause.DOUBLE_PICK)


@pytest.mark.parametrize("outcome", [Outcome.ABORTED, Outcome.UNCERTAIN])
@pytest.mark.parametrize("regions", [0, 1, 2])
def test_no_removal_check_makes_a_label_of_what_gave_none(outcome: Outcome, regions: int) -> None:
    result = OutcomeResult(outcome, Cause.CANCELLED)
    assert reconcile(result, Removal(regions)) == result


def test_without_a_second_removal_check_the_first_decides() -> None:
    assert reconcile(SUCCESS, None) == SUCCESS
