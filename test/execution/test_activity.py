"""One user of the arm at a time, and a stop that nothing slips through."""

import threading

import pytest
from execution.fakes import T_BASE_CAMERA, FakeCellState, fake_cell, point_at

from grasp_affordance.attempt import Cause, GraspAttempt, Outcome
from grasp_affordance.errors import StoppedError
from grasp_affordance.execution import pick
from grasp_affordance.execution.activity import Activity

PATIENCE = 10.0  # seconds; never waited for where the code is right


def make() -> tuple[FakeCellState, Activity]:
    state = FakeCellState()
    return state, Activity(fake_cell(state).arm)


def test_only_one_may_use_the_arm_at_a_time() -> None:
    _, activity = make()
    with activity.acquire() as first:
        with activity.acquire() as second:
            assert first
            assert not second
        assert activity.busy  # the refused claim has not freed it
    with activity.acquire() as third:
        assert third
    assert not activity.busy


def test_the_arm_is_free_again_after_a_defect() -> None:
    _, activity = make()
    with pytest.raises(ZeroDivisionError), activity.acquire():
        raise ZeroDivisionError
    assert not activity.busy


def test_stopping_an_idle_arm_is_done_at_once_and_refuses_nobody_later() -> None:
    state, activity = make()
    assert activity.stop(Cause.CANCELLED, "why not", PATIENCE)
    assert state.stops == 0
    with activity.acquire():
        assert activity.begin() is not None


def test_no_pick_begins_after_a_stop_of_the_same_run() -> None:
    _, activity = make()
    with activity.acquire():
        assert activity.begin() is not None
        assert not activity.stop(Cause.CANCELLED, "enough", timeout=0.0)
        assert activity.begin() is None


def test_whoever_waits_learns_of_the_stop() -> None:
    _, activity = make()
    activity.check()
    with activity.acquire():
        activity.begin()
        activity.check()
        activity.stop(Cause.CANCELLED, "enough", timeout=0.0)
        with pytest.raises(StoppedError, match="enough"):
            activity.check()


@pytest.mark.parametrize("event", ["move_to", "move_linear", "approach", "home"])
def test_a_stop_also_reaches_a_motion_that_begins_just_after_it(event: str) -> None:
    """The motion starts when the first stop is over, as its check came before the request."""
    state = FakeCellState()
    cell = fake_cell(state)
    activity = Activity(cell.arm)
    about_to_move = threading.Event()

    def move_late(happened: str) -> None:
        if happened == event and not about_to_move.is_set():
            about_to_move.set()
            seen = state.stops
            deadline = threading.Event()
            while state.stops <= seen:  # the stop that comes too early for this motion
                assert not deadline.wait(0.001)
            stops_before_motion.append(state.stops)
            while state.stops <= stops_before_motion[0]:  # the motion itself
                assert not deadline.wait(0.001)

    stops_before_motion: list[int] = []
    state.on_event = move_late
    attempts: list[GraspAttempt] = []

    def work() -> None:
        with activity.acquire():
            attempts.append(pick(cell, point_at(), T_BASE_CAMERA, cancellation=activity.begin()))

    worker = threading.Thread(target=work)
    worker.start()
    assert about_to_move.wait(PATIENCE)
    assert activity.stop(Cause.CAMERA_LOST, "the camera is lost", PATIENCE)
    worker.join(PATIENCE)
    assert (attempts[0].outcome, attempts[0].cause) == (Outcome.ABORTED, Cause.CAMERA_LOST)
    assert state.stops > stops_before_motion[0]
    assert not activity.busy
