"""The next view is taken and judged over the place area, before the load is let go there."""

from collections.abc import Callable

import pytest
from execution.fakes import HOME, FakeCellState, LostCamera, fake_cell
from execution.test_picker import FakeProposer, run

from grasp_affordance.attempt import Outcome
from grasp_affordance.cell import Cell, PatternConfig
from grasp_affordance.errors import FrameError, GripperError
from grasp_affordance.execution import PickConfig
from grasp_affordance.execution.continuous import End
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures

PLACES = ((0.5, 0.0), (0.5, 0.1), (0.45, 0.05))
BESIDE_HOME = PickConfig(place=(float(HOME[0, 3]), float(HOME[1, 3]) - 0.05, 0.13))


class Ahead:
    """A `LookAhead` over a proposer.

    Attributes:
        views: that were to be judged.
        error: raised instead of a proposal.
    """

    def __init__(self, propose: FakeProposer) -> None:
        self.propose, self.views = propose, list[RgbdFrame]()
        self.error: Exception | None = None

    def __call__(
        self, view: RgbdFrame, failures: Failures, minimum_probability: float
    ) -> Callable[[], Proposal]:
        self.views.append(view)

        def wait() -> Proposal:
            if self.error is not None:
                raise self.error
            self.propose.state.events.append("judged")
            return self.propose(failures, minimum_probability)

        return wait


def make(
    state: FakeCellState, config: PickConfig = BESIDE_HOME, cell: Cell | None = None
) -> tuple[Picker, FakeProposer, Ahead]:
    proposer = FakeProposer(state, *PLACES)
    ahead = Ahead(proposer)
    picker = Picker(cell or fake_cell(state), proposer, config, look_ahead=ahead)
    return picker, proposer, ahead


def attempts(reports: list[PickReport]) -> list[bool]:
    return [report.attempt.succeeded for report in reports if report.attempt]


def picks(state: FakeCellState) -> list[list[str]]:
    """What happened in each pick, from its first motion on."""
    found: list[list[str]] = []
    for event in state.events:
        if event == "move_to" and (not found or "release" in found[-1]):
            found.append([])
        if found:
            found[-1].append(event)
    return found


def test_the_view_is_taken_with_the_load_in_the_air_and_judged_for_the_next_pick() -> None:
    state = FakeCellState()
    picker, proposer, ahead = make(state)
    ending, reports = run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert ending.end is End.EMPTY_BIN
    assert attempts(reports) == [True] * 3
    assert len(proposer.asked) == 4  # the last one sees the empty bin
    assert state.events.count("judged") == len(ahead.views) == 3
    for events in picks(state):
        assert events.index("move_to", 1) < events.index("read") < events.index("release")
    afters = [report.attempt.after for report in reports if report.attempt]
    assert [view.stamp_ns for view in ahead.views] == [view.stamp_ns for view in afters if view]


def test_the_arm_goes_home_before_the_first_pick_and_when_nothing_is_left() -> None:
    state = FakeCellState()
    picker, proposer, _ = make(state)
    run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert state.events.count("home") == 2
    assert state.events.index("home") < state.events.index("grasp")
    assert state.events[-1] == "home"


def test_where_the_place_is_not_beside_its_home_the_arm_goes_home_after_each_pick() -> None:
    state = FakeCellState()
    picker, proposer, ahead = make(state, PickConfig())
    _, reports = run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert attempts(reports) == [True] * 3
    assert state.events.count("home") == 1 + 3
    assert not ahead.views


def test_the_arm_leaves_a_container_that_is_full() -> None:
    state = FakeCellState()
    pattern = PatternConfig((1, 2, 1), (0.0, 0.01, 0.0))
    picker, _, ahead = make(state, PickConfig(place=BESIDE_HOME.place, pattern=pattern))
    picker.placing.begin_anew()
    ending, _ = run(picker)
    assert ending.end is End.FULL
    assert len(ahead.views) == 1
    first, last = picks(state)
    assert "home" not in first
    assert "home" in last[last.index("release") :]


@pytest.mark.parametrize("lost_after", [0, 1, 2])
def test_after_a_failure_a_new_view_is_judged_by_who_knows_of_it(lost_after: int) -> None:
    state = FakeCellState(lost_after=lost_after)
    picker, proposer, _ = make(state)
    run(picker, cap=2)
    assert "judged" not in state.events
    assert [len(failures.points) for failures in proposer.asked] == [0, 1]


def test_a_new_run_does_not_pick_by_what_was_seen_in_the_last_one() -> None:
    state = FakeCellState()
    picker, proposer, ahead = make(state)
    stop = RuntimeError("the user presses Ctrl-C")

    def interrupt(report: PickReport) -> None:
        raise stop

    with pytest.raises(RuntimeError):
        run(picker, interrupt)
    assert len(ahead.views) == 1
    run(picker, lambda report: proposer.places and proposer.places.pop(0))
    second = [event for event in state.events if event in ("grasp", "judged")]
    assert second[:3] == ["grasp", "grasp", "judged"]


def test_a_camera_that_is_lost_over_the_place_drops_nothing_and_ends_nothing() -> None:
    state = FakeCellState()
    picker, proposer, ahead = make(state, cell=fake_cell(state, LostCamera(state)))
    _, reports = run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert attempts(reports) == [True] * 3
    assert not ahead.views
    assert "judged" not in state.events


def test_who_cannot_judge_ahead_is_a_fault_once_the_load_is_down() -> None:
    state = FakeCellState()
    picker, _, ahead = make(state)
    ahead.error = FrameError("nobody answers")
    ending, reports = run(picker)
    assert attempts(reports) == [True]
    assert (ending.end, "nobody answers" in ending.detail) == (End.FAULT, True)
    assert not state.held


def test_an_arm_that_stopped_on_its_way_is_sent_home_before_the_next_view() -> None:
    state = FakeCellState()
    picker, proposer, _ = make(state)
    releases = iter(range(100))

    def fail(event: str) -> None:
        if event == "release" and next(releases) == 1:  # the first one is that of getting ready
            raise GripperError("the valve does not answer")

    state.on_event = fail
    _, reports = run(picker)
    assert reports[-1].attempt is not None
    assert reports[-1].attempt.outcome is Outcome.ABORTED
    state.events.clear()
    run(picker, lambda report: proposer.places and proposer.places.pop(0))
    assert "home" in state.events[: state.events.index("grasp")]
