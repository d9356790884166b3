"""Pick after pick on a cell of fakes: choosing, remembering, recovering, and when to end."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from execution.fakes import (
    T_BASE_CAMERA,
    FakeArm,
    FakeCellState,
    fake_cell,
    flat_frame,
    point_at,
)

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.errors import CameraError, CellError, GripperError, StoppedError
from grasp_affordance.execution import Cancellation
from grasp_affordance.execution.continuous import ContinuousConfig, End, Ending, pick_continuously
from grasp_affordance.execution.memory import FailureMemory
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.execution.plan import PickPlan
from grasp_affordance.execution.proposal import PickRequest, Proposal
from grasp_affordance.suction import Failures, Rejection, SuctionPoint

Array = np.ndarray


class FakeProposer:
    """Proposes points of a list, except those near what is avoided."""

    def __init__(self, state: FakeCellState, *places: tuple[float, float]) -> None:
        self.state, self.places = state, list(places)
        self.asked: list[Failures] = []
        self.when_empty = {Rejection.EMPTY_BIN: 1}

    def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
        self.asked.append(failures)
        memory = FailureMemory(8, failures.radius)
        for point in failures.avoided:
            memory.add(point)
        points = tuple(
            point_at(x, y) for x, y in self.places if memory.allows(np.array([x, y, 0.05]))
        )
        frame = flat_frame(int(self.state.time * 1e9))
        rejections = {} if self.places else self.when_empty
        return Proposal(points, T_BASE_CAMERA, frame, rejections, policy="fake")


def make(state: FakeCellState, *places: tuple[float, float]) -> tuple[Picker, FakeProposer]:
    proposer = FakeProposer(state, *places)
    return Picker(fake_cell(state), proposer), proposer


def pick_once(picker: Picker, **request: object) -> PickReport:
    return picker.pick_best(PickRequest(**request), Cancellation())  # type: ignore[arg-type]


def run(
    picker: Picker, on_report: Callable[[PickReport], object] = lambda report: None, cap: int = 3
) -> tuple[Ending, list[PickReport]]:
    reports: list[PickReport] = []

    def listen(report: PickReport) -> None:
        reports.append(report)
        on_report(report)

    return pick_continuously(picker, ContinuousConfig(cap), Cancellation, listen), reports


def test_the_best_point_that_may_be_picked_is_picked_and_the_others_are_counted() -> None:
    picker, _ = make(FakeCellState(), (0.9, 0.0), (0.695, 0.0), (0.5, 0.1), (0.5, 0.0))
    report = pick_once(picker)
    assert report.attempt is not None
    assert report.attempt.succeeded
    assert report.attempt.T_base_tool[:2, 3] == pytest.approx([0.5, 0.1])
    assert report.rejections == {Rejection.OUTSIDE_WORKSPACE: 1, Rejection.NEAR_WALL: 1}
    assert report.refusals == 2


def test_the_first_pick_begins_by_making_the_cell_ready() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))
    pick_once(picker)
    assert state.events[:3] == ["tell_tool", "release", "home"]
    state.events.clear()
    pick_once(picker)
    assert state.events[:2] == ["tell_tool", "move_to"]


def test_a_failed_point_is_avoided_until_only_its_neighbourhood_is_left() -> None:
    state = FakeCellState(seals=False)
    picker, proposer = make(state, (0.5, 0.0), (0.45, 0.1))
    tried = [pick_once(picker).attempt for _ in range(3)]
    places = [attempt.T_base_tool[:2, 3].tolist() for attempt in tried if attempt]
    assert places == [
        pytest.approx([0.5, 0.0]),
        pytest.approx([0.45, 0.1]),
        pytest.approx([0.5, 0.0]),
    ]
    assert [len(failures.avoided) for failures in proposer.asked] == [0, 1, 2, 0]
    assert [len(failures.points) for failures in proposer.asked] == [0, 1, 2, 2]


def test_a_refused_point_is_kept_away_from_but_says_nothing_of_its_object() -> None:
    picker, proposer = make(FakeCellState(), (0.9, 0.0), (0.5, 0.0))
    pick_once(picker)
    pick_once(picker)
    assert len(proposer.asked[-1].avoided) == 1
    assert len(proposer.asked[-1].points) == 0


def test_no_point_near_a_remembered_one_is_picked_whatever_the_proposer_says() -> None:
    state = FakeCellState(seals=False)

    def stubborn(failures: Failures, minimum_probability: float) -> Proposal:
        frame = flat_frame(int(state.time * 1e9))
        return Proposal((point_at(0.5, 0.0), point_at(0.45, 0.1)), T_BASE_CAMERA, frame)

    picker = Picker(fake_cell(state), stubborn)
    reports = [pick_once(picker) for _ in range(2)]
    tried = [report.attempt.T_base_tool[0, 3] for report in reports if report.attempt]
    assert tried == pytest.approx([0.5, 0.45])
    assert reports[1].rejections == {Rejection.RECENTLY_FAILED: 1}


def test_nothing_is_picked_where_objects_cannot_be_told_from_a_floor() -> None:
    state = FakeCellState()

    def floorless(failures: Failures, minimum_probability: float) -> Proposal:
        return Proposal((point_at(0.5, 0.0),), T_BASE_CAMERA, floor_known=False)

    ending, reports = run(Picker(fake_cell(state), floorless))
    assert reports[0].attempt is None
    assert ending.end is End.FAULT
    assert "neither the bin nor a floor" in ending.detail


def searching(state: FakeCellState, *bins: BinGeometry | None) -> Picker:
    """A cell whose bin has to be found: in each view another of `bins`."""
    found = iter(bins)

    def propose(failures: Failures, minimum_probability: float) -> Proposal:
        box = next(found)
        if box is None:
            return Proposal((), None, message="no rim of a bin is seen")
        frame = flat_frame(int(state.time * 1e9))
        return Proposal((point_at(*box.centre),), T_BASE_CAMERA, frame, bin=box)

    return Picker(replace(fake_cell(state), bin=None), propose)


HERE, THERE = BinGeometry((0.5, 0.0)), BinGeometry((0.45, 0.1), yaw=0.2)


def test_nothing_moves_until_the_bin_has_been_found() -> None:
    state = FakeCellState()
    picker = searching(state, None, HERE, HERE)
    report = pick_once(picker)
    assert report.message == "BinNotFoundError: no rim of a bin is seen"
    assert not state.events
    report = pick_once(picker)
    assert report.attempt is not None
    assert report.attempt.succeeded
    assert report.attempt.bin == HERE
    assert bins_of(picker) == [HERE]


def test_a_point_that_somebody_names_is_picked_in_the_bin_that_is_found() -> None:
    state = FakeCellState()
    picker = searching(state, None, HERE)
    point, request = point_at(0.5, 0.0), PickRequest()
    assert "no rim" in picker.pick_at(point, T_BASE_CAMERA, request, Cancellation()).message
    assert not state.events
    report = picker.pick_at(point, T_BASE_CAMERA, request, Cancellation())
    assert report.attempt is not None
    assert report.attempt.bin == HERE


def test_the_arm_is_told_where_the_bin_stands_whenever_that_has_changed() -> None:
    picker = searching(FakeCellState(), HERE, HERE, HERE, THERE, THERE, None)
    attempts = [pick_once(picker).attempt for _ in range(4)]
    assert [attempt.bin for attempt in attempts if attempt] == [HERE, HERE, THERE, THERE]
    assert bins_of(picker) == [HERE, THERE]
    assert pick_once(picker).attempt is None  # the bin is not seen any more


def test_a_point_outside_of_the_bin_that_was_found_is_refused() -> None:
    state = FakeCellState()

    def propose(failures: Failures, minimum_probability: float) -> Proposal:
        frame = flat_frame(int(state.time * 1e9))
        return Proposal((point_at(*HERE.centre),), T_BASE_CAMERA, frame, bin=AWAY)

    report = pick_once(Picker(replace(fake_cell(state), bin=None), propose))
    assert report.attempt is None
    assert "is not in the bin" in report.message


AWAY = BinGeometry((0.5, 0.5))


def test_points_in_another_bin_than_the_described_one_are_not_picked() -> None:
    state = FakeCellState()

    def propose(failures: Failures, minimum_probability: float) -> Proposal:
        frame = flat_frame(int(state.time * 1e9))
        return Proposal((point_at(0.5, 0.0),), T_BASE_CAMERA, frame, bin=THERE)

    ending, reports = run(Picker(fake_cell(state), propose))
    assert reports[0].attempt is None
    assert ending.end is End.FAULT
    assert "give both the same cell" in ending.detail


def bins_of(picker: Picker) -> list[BinGeometry]:
    arm = picker.cell.arm
    assert isinstance(arm, FakeArm)
    return arm.bins


def test_each_pose_of_a_pick_is_checked_once() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))
    checked: list[Array] = []
    arm = picker.cell.arm
    assert isinstance(arm, FakeArm)
    check = arm.check_reachable

    def note(T_base_tool: Array, load: Load | None = None) -> None:
        checked.append(T_base_tool)
        check(T_base_tool, load)

    arm.check_reachable = note  # type: ignore[method-assign]
    assert pick_once(picker).attempt
    assert len(checked) == len(fields(PickPlan)) - 1  # the load is no pose


@pytest.mark.parametrize("change", ["an empty bin", "a new run"])
def test_the_failures_in_one_bin_say_nothing_of_the_next(change: str) -> None:
    picker, proposer = make(FakeCellState(seals=False), (0.5, 0.0))
    pick_once(picker)
    assert picker.memory.failures
    if change == "an empty bin":
        proposer.places.clear()
        pick_once(picker)
        assert not picker.memory.failures
    else:
        proposer.asked.clear()
        run(picker, cap=1)
        assert not proposer.asked[0]


def test_an_abandoned_load_is_put_down_before_the_next_pick() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))
    calls = iter(range(100))

    def fail_in_transport(event: str) -> None:
        if next(calls) == 12:
            raise CellError("protective stop")

    state.on_event = fail_in_transport
    aborted = pick_once(picker).attempt
    assert aborted is not None
    assert aborted.outcome is Outcome.ABORTED
    assert state.held
    state.events.clear()
    again = pick_once(picker).attempt
    assert again is not None
    assert again.succeeded
    assert state.events.index("release") < state.events.index("home") < state.events.index("grasp")
    assert (aborted.index, again.index) == (0, 1)


def test_a_dry_run_names_its_point_and_moves_nothing() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.9, 0.0), (0.5, 0.0))
    report = pick_once(picker, dry_run=True)
    assert report.attempt is None
    assert report.point is not None
    assert report.rejections == {Rejection.OUTSIDE_WORKSPACE: 1}
    assert state.events == []


def test_a_dry_run_rehearses_the_whole_way_and_tells_it() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))
    arm = picker.cell.arm
    assert isinstance(arm, FakeArm)
    report = pick_once(picker, dry_run=True)
    assert len(report.planned_path) == len(arm.rehearsed) >= 6
    np.testing.assert_allclose(report.planned_path, arm.rehearsed)
    heights = [pose[2, 3] for pose in report.planned_path]
    assert heights[0] > heights[2] < heights[3]  # pre-grasp, down, up again


def test_a_dry_run_passes_over_a_point_whose_way_is_not_free() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.45, 0.0), (0.5, 0.0))
    arm = picker.cell.arm
    assert isinstance(arm, FakeArm)
    first = pick_once(picker, dry_run=True).planned_path
    arm.obstacle = first[2][:3, 3]
    report = pick_once(picker, dry_run=True)
    assert report.rejections[Rejection.UNREACHABLE] == 1
    assert report.point is not None
    assert np.linalg.norm(report.planned_path[2][:3, 3] - arm.obstacle) > 0.02
    assert state.events == []


def test_a_given_point_is_picked_as_it_is_or_refused_with_the_reason() -> None:
    picker, _ = make(FakeCellState())
    given: list[tuple[SuctionPoint, bool]] = [(point_at(), True), (point_at(x=0.9), False)]
    for point, possible in given:
        report = picker.pick_at(point, T_BASE_CAMERA, PickRequest(), Cancellation())
        assert (report.attempt is not None) is possible
        assert (report.message == "") is possible


def test_a_proposer_that_fails_moves_nothing_and_is_reported() -> None:
    state = FakeCellState()

    def blind(failures: Failures, minimum_probability: float) -> Proposal:
        raise CameraError("no frame arrived; is the camera on?")

    report = Picker(fake_cell(state), blind).pick_best(PickRequest(), Cancellation())
    assert report.attempt is None
    assert "no frame arrived" in report.message
    assert "grasp" not in state.events


def test_continuous_picking_ends_when_the_bin_is_empty() -> None:
    state = FakeCellState()
    picker, proposer = make(state, (0.5, 0.0), (0.45, 0.1), (0.55, 0.1))
    ending, reports = run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert ending.end is End.EMPTY_BIN
    assert [report.attempt is not None for report in reports] == [True, True, True, False]


def test_continuous_picking_gives_up_after_fruitless_tries_in_a_row_and_says_so() -> None:
    picker, _ = make(FakeCellState(seals=False), (0.5, 0.0))
    ending, reports = run(picker, cap=4)
    assert ending.end is End.FAILURES
    assert "4 fruitless" in ending.detail
    assert len(reports) == 4


def test_views_without_a_point_are_fruitless_unless_the_bin_is_empty() -> None:
    state = FakeCellState()
    picker, proposer = make(state)
    proposer.when_empty = {Rejection.TOO_STEEP: 100}
    ending, reports = run(picker, cap=4)
    assert (ending.end, len(reports)) == (End.FAILURES, 4)


def test_a_success_starts_the_count_of_fruitless_tries_again() -> None:
    state = FakeCellState(seals=False)
    picker, _ = make(state, (0.5, 0.0))
    tries = iter(range(100))

    def seal_every_third(report: PickReport) -> None:
        state.seals = next(tries) in (1, 4)

    ending, reports = run(picker, seal_every_third, cap=3)
    assert ending.end is End.FAILURES
    assert len(reports) == 9


def test_a_fault_ends_continuous_picking_with_its_cause() -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))

    def stuck(event: str) -> None:
        if event == "grasp":
            raise GripperError("the pressure sensor is stuck")

    state.on_event = stuck
    ending, reports = run(picker)
    assert ending.end is End.FAULT
    assert ending.detail.startswith(Cause.GRIPPER_FAULT)
    assert len(reports) == 1


@pytest.mark.parametrize("event", ["home", "move_to", "approach", "move_linear"])
def test_a_cancelled_pick_ends_continuous_picking(event: str) -> None:
    state = FakeCellState()
    picker, _ = make(state, (0.5, 0.0))
    running: list[Cancellation] = []

    def begin() -> Cancellation:
        running.append(Cancellation())
        return running[-1]

    def cancel(happened: str) -> None:
        if happened == event:
            running[-1].request()
            picker.cell.arm.stop()

    state.on_event = cancel
    ending = pick_continuously(picker, ContinuousConfig(), begin, lambda report: None)
    assert ending.end is End.STOPPED
    assert len(running) == 1


def test_a_stop_on_the_way_home_is_reported_with_the_reason_that_was_given() -> None:
    state, cancellation = FakeCellState(), Cancellation()
    picker, _ = make(state, (0.5, 0.0))

    def pause(happened: str) -> None:
        if happened == "home":
            cancellation.request(Cause.CANCELLED, "paused")
            raise StoppedError("the motion was stopped by a call of stop()")

    state.on_event = pause
    report = picker.pick_best(PickRequest(), cancellation)
    assert report.attempt is None
    assert report.message == "paused"


def test_continuous_picking_ends_when_no_next_pick_may_begin() -> None:
    picker, _ = make(FakeCellState(), (0.5, 0.0))
    ending = pick_continuously(picker, ContinuousConfig(), lambda: None, lambda report: None)
    assert ending.end is End.STOPPED
    assert picker.count == 0
