"""A pick on a cell of fakes: its phases, its outcomes, and every fault at every step."""

from dataclasses import replace

import numpy as np
import pytest
from execution.fakes import (
    T_BASE_CAMERA,
    FakeArm,
    FakeCellState,
    LostCamera,
    fake_cell,
    flat_frame,
    point_at,
)

from grasp_affordance.attempt import Cause, Outcome, Phase, Removal
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cell, Load
from grasp_affordance.errors import (
    CameraError,
    CellError,
    CollisionError,
    GripperError,
    StoppedError,
    UnreachableError,
)
from grasp_affordance.execution import Cancellation, PickConfig, Progress, pick
from grasp_affordance.execution.checks import plan_checked
from grasp_affordance.execution.pick import recover
from grasp_affordance.execution.plan import PickPlan
from grasp_affordance.rgbd import RgbdFrame

# Where the load of `point_at()` is released, with room for all that may hang below the cup.
PLACE_HEIGHT = PickConfig().place[2] + PickConfig().place_clearance + 0.05

# Steps of a successful pick, in order, as the fakes name them.
STEPS = [
    "tell_tool",
    "move_to",
    "grasp",
    "move_linear",
    "approach",
    "holding",
    "tell_load",
    "move_linear",
    "holding",
    "move_to",
    "move_linear",
    "holding",
    "release",
    "tell_tool",
    "move_linear",
    "home",
]
SEAL = STEPS.index("tell_load")  # from here on the load is in the air
RELEASE = STEPS.index("release")


def fail_at_step(state: FakeCellState, step: int, error: Exception) -> None:
    """Make the fakes raise at one step of the pick, once."""
    calls = iter(range(len(STEPS) * 2))

    def on_event(event: str) -> None:
        if next(calls) == step:
            raise error

    state.on_event = on_event


def run(state: FakeCellState, **options: object) -> tuple[Outcome, Cause]:
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA, **options)  # type: ignore[arg-type]
    return attempt.outcome, attempt.cause


def test_a_pick_goes_through_its_phases_in_order_and_ends_at_home_without_vacuum() -> None:
    state = FakeCellState()
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA, index=7, policy="rule")
    assert (attempt.outcome, attempt.cause, attempt.detail) == (Outcome.SUCCESS, Cause.NONE, "")
    assert [report.phase for report in attempt.phases] == list(Phase)
    assert [event for event in state.events if event != "trace"] == STEPS
    assert state.pressure() == 0.0
    assert attempt.contact_height == pytest.approx(0.05)
    assert (attempt.index, attempt.policy) == (7, "rule")


def test_the_vacuum_is_on_before_contact_and_off_only_at_the_place() -> None:
    state = FakeCellState()
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA)
    assert STEPS.index("grasp") < STEPS.index("approach")
    assert state.released_at == [pytest.approx(PLACE_HEIGHT)]
    assert attempt.pressure.vacuum.max() > 50


def test_a_load_is_lowered_until_it_touches_where_it_must_not_fall() -> None:
    state = FakeCellState()
    config = PickConfig(lower=True)
    assert run(state, config=config) == (Outcome.SUCCESS, Cause.NONE)
    assert state.events[STEPS.index("release")] == "lower"
    assert state.released_at == [pytest.approx(config.place[2] + config.place_clearance)]


@pytest.mark.parametrize(
    ("cell", "cause", "last"),
    [
        ({"surface": None}, Cause.NO_CONTACT, Phase.APPROACH),
        ({"seals": False}, Cause.NO_SEAL, Phase.SEAL),
        ({"lost_after": 0}, Cause.LOST_AT_LIFT, Phase.LIFT),
        ({"lost_after": 1}, Cause.LOST_IN_TRANSPORT, Phase.RETREAT),
        ({"lost_after": 2}, Cause.LOST_IN_TRANSPORT, Phase.RETREAT),
    ],
)
def test_each_sensed_failure_is_named_and_the_cell_is_ready_again(
    cell: dict, cause: Cause, last: Phase
) -> None:
    state = FakeCellState(**cell)
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA)
    assert (attempt.outcome, attempt.cause) == (Outcome.FAILURE, cause)
    assert attempt.detail
    assert attempt.phases[-1].phase is last
    assert "home" in state.events[-3:]
    assert not state.vacuum_on


def test_a_load_that_hangs_too_weakly_is_put_back_and_not_dropped() -> None:
    state = FakeCellState(weak=True)
    assert run(state) == (Outcome.FAILURE, Cause.LOST_AT_LIFT)
    assert state.released_at == [pytest.approx(0.05, abs=0.03)]
    assert "home" in state.events[-3:]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (UnreachableError("singular"), Cause.UNREACHABLE),
        (StoppedError("stopped"), Cause.CANCELLED),
        (CameraError("lost"), Cause.CAMERA_LOST),
        (GripperError("stuck"), Cause.GRIPPER_FAULT),
        (CellError("protective stop"), Cause.ARM_FAULT),
    ],
)
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_every_fault_at_every_step_stops_the_arm_and_gives_no_label(
    step: int, error: CellError, cause: Cause
) -> None:
    state = FakeCellState()
    fail_at_step(state, step, error)
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA)
    assert (attempt.outcome, attempt.cause) == (Outcome.ABORTED, cause)
    assert str(error) in attempt.detail
    assert "stop" in state.events
    after_stop = state.events[state.events.index("stop") + 1 :]
    assert not [event for event in after_stop if "move" in event or event == "home"]


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_fault_never_drops_a_load_and_never_leaves_an_empty_cup_sucking(step: int) -> None:
    state = FakeCellState()
    fail_at_step(state, step, CellError("protective stop"))
    pick(fake_cell(state), point_at(), T_BASE_CAMERA)
    in_air = SEAL < step < RELEASE
    assert state.held is in_air
    assert state.vacuum_on is in_air
    assert all(height <= PLACE_HEIGHT + 1e-9 for height in state.released_at)


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_after_any_fault_recovery_puts_the_load_down_and_the_next_pick_succeeds(step: int) -> None:
    state = FakeCellState()
    fail_at_step(state, step, CellError("protective stop"))
    cell = fake_cell(state)
    pick(cell, point_at(), T_BASE_CAMERA)
    state.on_event = lambda event: None
    recover(cell)
    assert not state.vacuum_on
    assert pick(cell, point_at(), T_BASE_CAMERA).succeeded
    assert all(height <= PLACE_HEIGHT + 1e-9 for height in state.released_at)


@pytest.mark.parametrize("step", [3, 4])
def test_a_collision_on_the_approach_is_what_the_point_predicts(step: int) -> None:
    state = FakeCellState()
    fail_at_step(state, step, CollisionError("unexpected contact"))
    assert run(state) == (Outcome.FAILURE, Cause.COLLISION)
    assert not state.vacuum_on


@pytest.mark.parametrize("step", [1, 7, 9, 10, 14])
def test_a_collision_elsewhere_gives_no_label(step: int) -> None:
    state = FakeCellState()
    fail_at_step(state, step, CollisionError("unexpected contact"))
    assert run(state) == (Outcome.ABORTED, Cause.COLLISION)


@pytest.mark.parametrize("cause", [Cause.CANCELLED, Cause.CAMERA_LOST])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_cancellation_at_any_step_ends_the_pick_with_its_cause(step: int, cause: Cause) -> None:
    state, cancellation = FakeCellState(), Cancellation()
    cell, calls = fake_cell(state), iter(range(100))

    def cancel(event: str) -> None:
        if next(calls) == step:
            cancellation.request(cause, "somebody asked")
            cell.arm.stop()

    state.on_event = cancel
    attempt = pick(cell, point_at(), T_BASE_CAMERA, cancellation=cancellation)
    assert (attempt.outcome, attempt.cause) == (Outcome.ABORTED, cause)
    moves = [event for event in state.events if "move" in event or event == "home"]
    assert moves == [event for event in STEPS[: step + 1] if "move" in event or event == "home"]


LOAD = Load(mass=0.3, radius=0.08, length=0.05)
CARRYING = PickConfig(load_mass=0.3, load_radius=0.08)


def told(state: FakeCellState, **options: object) -> list[Load | None]:
    """What the arm was told in one pick, then in a recovery."""
    cell = fake_cell(state)
    assert isinstance(cell.arm, FakeArm)
    pick(cell, point_at(), T_BASE_CAMERA, CARRYING, **options)  # type: ignore[arg-type]
    state.on_event = lambda event: None
    recover(cell, CARRYING)
    return cell.arm.told


@pytest.mark.parametrize("weak", [False, True])
def test_the_arm_reckons_with_a_load_from_the_seal_to_the_release(weak: bool) -> None:
    load, *rest = [each for each in told(FakeCellState(weak=weak)) if each is not None]
    assert not rest
    assert (load.mass, load.radius) == (LOAD.mass, LOAD.radius)
    assert load.length == pytest.approx(LOAD.length)
    assert [each is None for each in told(FakeCellState(weak=weak))] == [True, False, True, True]


@pytest.mark.parametrize("cell", [{"surface": None}, {"seals": False}])
def test_without_a_seal_the_arm_reckons_with_the_tool_alone(cell: dict) -> None:
    assert told(FakeCellState(**cell)) == [None, None]


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_after_a_fault_at_any_step_the_arm_reckons_with_what_hangs_on_it(step: int) -> None:
    state = FakeCellState()
    cell = fake_cell(state)
    assert isinstance(cell.arm, FakeArm)
    fail_at_step(state, step, CellError("protective stop"))
    pick(cell, point_at(), T_BASE_CAMERA, CARRYING)
    loads = cell.arm.told
    assert state.held is bool(loads and loads[-1] is not None)
    state.on_event = lambda event: None
    held, before = state.held, len(loads)
    recover(cell, CARRYING)
    assert loads[before] is None or held
    assert loads[-1] is None


def test_a_robot_that_refuses_the_load_keeps_it_in_the_bin_and_is_named() -> None:
    state = FakeCellState()
    cell = fake_cell(state)
    assert isinstance(cell.arm, FakeArm)
    cell.arm.refuses = lambda load: load is not None
    attempt = pick(cell, point_at(), T_BASE_CAMERA, CARRYING)
    assert (attempt.outcome, attempt.cause) == (Outcome.ABORTED, Cause.ARM_FAULT)
    assert "refused a payload" in attempt.detail
    assert attempt.phases[-1].phase is Phase.SEAL
    assert state.released_at == [pytest.approx(0.05)]
    assert cell.arm.told[-1] is None


def test_a_robot_that_refuses_the_tools_payload_does_not_move() -> None:
    state = FakeCellState()
    cell = fake_cell(state)
    assert isinstance(cell.arm, FakeArm)
    cell.arm.refuses = lambda load: load is None
    attempt = pick(cell, point_at(), T_BASE_CAMERA, CARRYING)
    assert (attempt.outcome, attempt.cause) == (Outcome.ABORTED, Cause.ARM_FAULT)
    assert not [event for event in state.events if "move" in event]


def test_the_way_over_the_cell_is_checked_with_the_load_and_the_straight_lines_without() -> None:
    cell = fake_cell(FakeCellState())
    assert isinstance(cell.arm, FakeArm)
    plan = plan_checked(cell, point_at(), T_BASE_CAMERA, CARRYING)
    assert isinstance(plan, PickPlan)
    assert cell.arm.checked.count(plan.load) == len(plan.loaded) == 2
    carried = [motion for motion in plan.motions if motion.load is not None]
    assert [motion.T_base_tool is plan.above_place for motion in carried] == [True]


def test_a_tilted_load_is_lifted_until_its_lowest_side_clears_the_rim() -> None:
    def lift(radius: float) -> float:
        config = PickConfig(along_normal=True, load_radius=radius)
        point = point_at(normal=(0.5, 0.0, float(np.sqrt(0.75))))
        plan = plan_checked(fake_cell(FakeCellState()), point, T_BASE_CAMERA, config)
        assert isinstance(plan, PickPlan), plan
        return float(plan.lift[2, 3])

    assert lift(0.1) - lift(0.0) == pytest.approx(0.1 * np.sin(np.radians(30)))


def test_a_defect_stops_the_arm_and_is_not_hidden() -> None:
    state = FakeCellState()
    fail_at_step(state, 3, ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError):
        run(state)
    assert "stop" in state.events
    assert not state.vacuum_on


def test_a_vacuum_before_the_pick_is_a_fault_and_nothing_moves() -> None:
    state = FakeCellState(held=True, vacuum_on=True)
    assert run(state) == (Outcome.ABORTED, Cause.GRIPPER_FAULT)
    assert not [event for event in state.events if "move" in event]


def test_refused_picks_move_nothing_and_say_why() -> None:
    cases = {
        "outside_workspace": (point_at(x=0.8), T_BASE_CAMERA),
        "near_wall": (point_at(x=0.5 + 0.2 - 0.009), T_BASE_CAMERA),
        "no_transform": (point_at(), None),
        "no_depth": (replace(point_at(), position=np.full(3, np.nan)), T_BASE_CAMERA),
    }
    for reason, (point, T_base_camera) in cases.items():
        state = FakeCellState()
        attempt = pick(fake_cell(state), point, T_base_camera)
        assert attempt.outcome is Outcome.ABORTED
        assert attempt.detail.startswith(reason)
        assert attempt.phases == ()
        assert state.events == []


def test_a_stale_view_is_refused_as_a_fault_of_the_camera() -> None:
    state = FakeCellState()
    old = flat_frame(int((state.time - 60) * 1e9))
    assert run(state, before=old) == (Outcome.ABORTED, Cause.CAMERA_LOST)
    assert state.events == []


def test_a_view_stamped_ahead_of_the_clock_is_refused_with_the_offset() -> None:
    state = FakeCellState()
    ahead = flat_frame(int((state.time + 1) * 1e9))
    attempt = pick(fake_cell(state), point_at(), T_BASE_CAMERA, before=ahead)
    assert attempt.cause is Cause.CAMERA_LOST
    assert "1.0 s ahead of the clock" in attempt.detail
    assert state.events == []


def test_losing_the_camera_after_the_pick_costs_only_its_second_removal_check() -> None:
    state = FakeCellState()
    cell = fake_cell(state, LostCamera(state))
    before = flat_frame(cell.now_ns())
    attempt = pick(
        cell, point_at(), T_BASE_CAMERA, before=before, check_removal=lambda *_: Removal(1)
    )
    assert attempt.outcome is Outcome.SUCCESS
    assert attempt.after is None
    assert attempt.removal is None


def test_a_removal_check_that_saw_nothing_leave_makes_a_success_uncertain() -> None:
    def nothing_left(
        before: RgbdFrame,
        after: RgbdFrame,
        picked_at: tuple[float, float] | None = None,
        T_base_camera: np.ndarray | None = None,
        box: BinGeometry | None = None,
    ) -> Removal:
        assert box == BinGeometry()
        assert after.stamp_ns > before.stamp_ns
        np.testing.assert_array_equal(T_base_camera, T_BASE_CAMERA)
        assert picked_at == (point_at().u, point_at().v)
        return Removal(0)

    state = FakeCellState()
    before = flat_frame(int(state.time * 1e9))
    result = run(state, before=before, check_removal=nothing_left)
    assert result == (Outcome.UNCERTAIN, Cause.SENSORS_DISAGREE)


def test_the_simulators_truth_stands_beside_the_outcome_and_never_changes_it() -> None:
    state = FakeCellState()
    cell = replace(fake_cell(state), truth=lambda: (Outcome.FAILURE, Cause.DROPPED))
    attempt = pick(cell, point_at(), T_BASE_CAMERA)
    assert attempt.outcome is Outcome.SUCCESS
    assert (attempt.true_outcome, attempt.true_cause) == (Outcome.FAILURE, Cause.DROPPED)


def test_listeners_hear_each_phase_begin_and_end() -> None:
    heard: list[Progress] = []
    pick(fake_cell(FakeCellState()), point_at(), T_BASE_CAMERA, on_progress=heard.append)
    assert [progress.phase for progress in heard] == [phase for phase in Phase for _ in range(2)]
    elapsed = [progress.elapsed for progress in heard]
    assert elapsed == sorted(elapsed)


def test_recovery_of_an_idle_cell_only_goes_home() -> None:
    state = FakeCellState()
    cell: Cell = fake_cell(state)
    recover(cell)
    assert state.events == ["tell_tool", "release", "home"]
